import { Radio, Stack } from '@mantine/core';
import { useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { SendWhat } from '~/api/server';
import { SendTo } from '~/pages/queue/SendTo';
import { Sheet } from '~/ui/Sheet';
import type { DisplaySet } from '../model/displaySets';

/** How much of what is looked at. */
type Part = 'study' | 'series' | 'instance';

interface Props {
  studyUid: string;
  /** Images of the opened exam. */
  images: number | null;
  /** What stands in the active cell. */
  shown: DisplaySet | null;
  /** SOP Instance UID of the image that is looked at now. */
  instance: () => string | null;
  onClose: () => void;
}

/** Gửi ảnh: the exam, the shown series or the shown image into the queue for a device, without leaving the images. */
export function SendSheet({ studyUid, images, shown, instance, onClose }: Props) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<Part>('study');
  // An empty cell leaves nothing but the exam.
  const part = shown ? wanted : 'study';
  // The box has the focus when the sheet opens; who chooses another part stays where he is.
  const opening = useRef(true);
  const owner = part === 'study' ? studyUid : shown?.studyUid ?? studyUid;
  const name = (shown?.is === 'stack' ? [shown.number, shown.description || shown.modality] : [shown?.title]).filter(Boolean).join(' · ');
  const choices: { value: Part; label: string; hint: string }[] = [
    { value: 'study', label: t('viewer.send.study'), hint: images === null ? '' : t('viewer.images', { count: images }) },
    ...(shown ? [{ value: 'series' as const, label: t('viewer.send.series'), hint: name }, { value: 'instance' as const, label: t(shown.is === 'stack' ? 'viewer.send.instance' : 'viewer.send.document'), hint: '' }] : []),
  ];
  const onKeyDown = (event: KeyboardEvent): void => {
    // A list that is open closes first.
    if (event.key !== 'Escape' || document.querySelector('[role="listbox"]:not([hidden])')?.checkVisibility()) return;
    event.preventDefault();
    event.stopPropagation();
    onClose();
  };
  const what = (): SendWhat => {
    if (part === 'study' || !shown) return {};
    if (part === 'series') return { series: [shown.seriesUid] };
    const uid = instance();
    // Never more than was chosen.
    if (uid === null) throw new Error('no image is shown');
    return { instances: [uid] };
  };
  return (
    <Sheet title={t('viewer.action.send')} onClose={onClose} onKeyDown={onKeyDown}>
      <Radio.Group value={part} onChange={(value) => { opening.current = false; setWanted(value as Part); }} aria-label={t('viewer.send.what')} mb={14}>
        <Stack gap={6}>
          {choices.map(({ value, label, hint }) => <Radio key={value} size="xs" value={value} label={label} description={hint} />)}
        </Stack>
      </Radio.Group>
      <SendTo key={`${owner} ${part} ${part === 'study' ? '' : shown?.key}`} studyUid={owner} what={what} autoFocus={opening.current} />
    </Sheet>
  );
}
