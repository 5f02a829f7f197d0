import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { seriesQuery } from '~/api/queries';
import type { MoveForm as Form } from '~/api/correctionTypes';
import type { Study, StudyWithPriors } from '~/api/types';
import { offers } from '~/app/rights';
import { useSession } from '~/app/session';
import { SendTo } from '~/pages/queue/SendTo';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { usePhone } from '~/ui/usePhone';
import { useSaveKey } from '~/ui/useSaveKey';
import { InstancePicker } from './InstancePicker';
import { Plan } from './Plan';
import { SeriesPicker } from './SeriesPicker';
import { TargetPicker } from './TargetPicker';
import { useFault } from '~/ui/useFault';
import css from './CorrectionsPage.module.css';

interface Props {
  study: StudyWithPriors;
  busy: boolean;
  failure: Error | null;
  onMove: (form: Form, onMoved: () => void) => void;
}

/** Where the chosen images go. */
type Where = 'other' | 'new' | 'device';

/** Chuyển ảnh: some series, or single images of one, to another exam, to one of their own, or to a device. */
export function MoveForm({ study, busy, failure, onMove }: Props) {
  const { t } = useTranslation();
  const phone = usePhone();
  const faultOf = useFault();
  const maySend = offers(useSession().data?.user.role, 'sendImages');
  const series = useQuery({ ...seriesQuery(study.studyUid), staleTime: 0 });
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [instances, setInstances] = useState<readonly string[] | null>(null);
  const [where, setWhere] = useState<Where>('other');
  const [target, setTarget] = useState<Study | null>(null);
  const [reason, setReason] = useState('');
  const rows = series.data ?? [];
  const chosen = rows.filter(({ seriesUid }) => picked.includes(seriesUid));
  const only = chosen.length === 1 ? chosen[0] : undefined;
  const single = only !== undefined && instances !== null && instances.length < only.instances;
  const some = chosen.length > 0 && !(single && instances.length === 0);
  const pick = (uids: readonly string[]): void => {
    setPicked(uids);
    setInstances(null);
  };
  const what = single ? { instances } : { series: chosen.map(({ seriesUid }) => seriesUid) };
  const hasPlan = some && where !== 'device' && (where === 'new' || target !== null);
  const ready = hasPlan && reason.trim() !== '' && !busy;
  const move = (): void => {
    if (!ready) return;
    onMove({ ...what, reason, ...(where === 'other' && target ? { to: target.studyUid } : {}) }, () => {
      pick([]);
      setReason('');
    });
  };
  useSaveKey(move);
  const images = single ? instances.length : chosen.reduce((sum, one) => sum + one.instances, 0);
  return (
    <div className={css.form}>
      <h3>{t('corrections.pickSeries')}</h3>
      {series.isPending ? <Loading /> : series.isError && !series.data && <LoadFailed error={series.error} onRetry={() => void series.refetch()} />}
      <SeriesPicker rows={rows} chosen={picked} onChoose={pick} />
      {only && only.instances > 1 && <InstancePicker key={only.seriesUid} series={only} chosen={instances} onChoose={setInstances} />}
      <h3>{t('corrections.target')}</h3>
      <SegmentedControl
        className={css.level ?? ''} value={where} onChange={(value) => setWhere(value as Where)} aria-label={t('corrections.target')} orientation={phone ? 'vertical' : 'horizontal'}
        data={[
          { value: 'other', label: t('corrections.targetOther') }, { value: 'new', label: t('corrections.targetNew') },
          ...(maySend ? [{ value: 'device', label: t('corrections.targetDevice') }] : []),
        ]}
      />
      {where === 'device' ? (
        <div className={css.level}>
          <SendTo key={[...picked, ...(instances ?? [])].join()} studyUid={study.studyUid} what={() => what} disabled={!some} />
          <p className={css.dim}>{!some ? t('corrections.pickFirst') : single ? t('corrections.planImages', { images }) : t('corrections.planSeries', { series: chosen.length, images })}</p>
        </div>
      ) : (
        <>
          {where === 'other' && <TargetPicker study={study} chosen={target} onChoose={setTarget} />}
          {hasPlan && <Plan series={chosen.length} images={images} single={single} from={study} to={where === 'new' ? null : target} />}
          <div className={css.foot}>
            <TextInput className={css.reason ?? ''} label={t('corrections.reason')} placeholder={t('corrections.reasonHint')} required value={reason} error={faultOf(failure, 'reason')} onChange={(event) => setReason(event.currentTarget.value)} />
            <Button disabled={!ready} onClick={move} rightSection={<kbd>Ctrl Enter</kbd>}>{single ? t('corrections.moveImagesButton', { count: images }) : t('corrections.moveButton', { count: chosen.length })}</Button>
          </div>
        </>
      )}
    </div>
  );
}
