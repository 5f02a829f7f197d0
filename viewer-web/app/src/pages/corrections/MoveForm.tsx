import { Button, Checkbox, SegmentedControl, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { seriesQuery } from '~/api/queries';
import type { MoveForm as Form, Study, StudyWithPriors } from '~/api/types';
import { Thumbnail } from '~/ui/Thumbnail';
import { TargetPicker } from './TargetPicker';
import css from './CorrectionsPage.module.css';

interface Props {
  study: StudyWithPriors;
  busy: boolean;
  onMove: (form: Form) => void;
}

/** Chuyển chuỗi ảnh: some series to another exam, or to one of their own. */
export function MoveForm({ study, busy, onMove }: Props) {
  const { t } = useTranslation();
  const series = useQuery({ ...seriesQuery(study.studyUid), staleTime: 0 });
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [where, setWhere] = useState<'other' | 'new'>('other');
  const [target, setTarget] = useState<Study | null>(null);
  const [reason, setReason] = useState('');
  const rows = series.data ?? [];
  const chosen = picked.filter((uid) => rows.some(({ seriesUid }) => seriesUid === uid));
  const toggle = (uid: string, on: boolean): void => setPicked((before) => (on ? [...before, uid] : before.filter((other) => other !== uid)));
  const ready = chosen.length > 0 && reason.trim() !== '' && (where === 'new' || target !== null) && !busy;
  const move = (): void => {
    onMove({ series: chosen, reason, ...(where === 'other' && target ? { to: target.studyUid } : {}) });
    setPicked([]);
    setReason('');
  };
  return (
    <div className={css.form}>
      <h3>{t('corrections.pickSeries')}</h3>
      <div className={css.series}>
        {rows.map((one) => (
          <label key={one.seriesUid} className={css.one} data-chosen={chosen.includes(one.seriesUid) || undefined}>
            <Checkbox checked={chosen.includes(one.seriesUid)} onChange={(event) => toggle(one.seriesUid, event.currentTarget.checked)} />
            <Thumbnail series={one} />
            <span className={css.what}><b className="cut">{one.description || one.bodyPart || one.modality}</b><small>{[one.number, one.modality, t('search.seriesImages', { count: one.instances })].filter(Boolean).join(' · ')}</small></span>
          </label>
        ))}
      </div>
      <h3>{t('corrections.target')}</h3>
      <SegmentedControl
        className={css.level ?? ''} value={where} onChange={(value) => setWhere(value === 'new' ? 'new' : 'other')} aria-label={t('corrections.target')}
        data={[{ value: 'other', label: t('corrections.targetOther') }, { value: 'new', label: t('corrections.targetNew') }]}
      />
      {where === 'other' && <TargetPicker study={study} chosen={target} onChoose={setTarget} />}
      <div className={css.foot}>
        <TextInput className={css.reason ?? ''} label={t('corrections.reason')} placeholder={t('corrections.reasonHint')} required value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        <Button disabled={!ready} onClick={move}>{t('corrections.moveButton', { count: chosen.length })}</Button>
      </div>
    </div>
  );
}
