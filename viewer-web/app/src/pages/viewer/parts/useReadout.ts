import { Enums } from '@cornerstonejs/core';
import { useEffect, useState } from 'react';
import { viewChanged, type Readout, type StackView } from '../engine/StackView';

const events = [
  Enums.Events.STACK_NEW_IMAGE, Enums.Events.VOI_MODIFIED, Enums.Events.CAMERA_MODIFIED, Enums.Events.VIEWPORT_NEW_IMAGE_SET,
  Enums.Events.PRE_STACK_NEW_IMAGE, viewChanged,
];

/** What stands over the image, read anew at most once a frame of the screen. */
export function useReadout(view: StackView | null, element: HTMLElement | null): Readout | null {
  const [readout, setReadout] = useState<Readout | null>(null);
  useEffect(() => {
    if (!view || !element) {
      setReadout(null);
      return undefined;
    }
    let frame = 0;
    const read = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setReadout(view.readout());
      });
    };
    for (const event of events) element.addEventListener(event, read);
    read();
    return () => {
      cancelAnimationFrame(frame);
      for (const event of events) element.removeEventListener(event, read);
    };
  }, [view, element]);
  return readout;
}
