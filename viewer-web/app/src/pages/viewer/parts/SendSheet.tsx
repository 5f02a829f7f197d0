import { CloseButton, Radio, Stack } from '@mantine/core';
import { useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { SendTo } from '~/pages/queue/SendTo';
import type { DisplaySet } from '../model/displaySets';
import css from './sendSheet.module.css';

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
  const [part, setPart] = useState<Part>('study');
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
  const what = () => {
    const uid = part === 'instance' ? instance() : null;
    if (uid) return { instances: [uid] };
    return part === 'series' && shown ? { series: [shown.seriesUid] } : {};
  };
  return (
    <aside className={css.sheet} aria-label={t('viewer.action.send')} onKeyDown={onKeyDown}>
      <header>
        <h2>{t('viewer.action.send')}</h2>
        <CloseButton size="sm" aria-label={t('action.close')} onClick={onClose} />
      </header>
      <Radio.Group value={part} onChange={(value) => { opening.current = false; setPart(value as Part); }} aria-label={t('viewer.send.what')}>
        <Stack gap={6}>
          {choices.map(({ value, label, hint }) => <Radio key={value} size="xs" value={value} label={label} description={hint} />)}
        </Stack>
      </Radio.Group>
      <SendTo key={`${owner} ${part} ${part === 'study' ? '' : shown?.key}`} studyUid={owner} what={what} autoFocus={opening.current} />
    </aside>
  );
}
