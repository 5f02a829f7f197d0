import { Button, Radio, SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { seriesQuery } from '~/api/queries';
import { mostRejected, rejectionCodes, type RejectForm as Form, type RejectionCode } from '~/api/correctionTypes';
import type { Study } from '~/api/types';
import { LoadFailed, Loading } from '~/ui/LoadState';
import { useFault } from '~/ui/useFault';
import { useSaveKey } from '~/ui/useSaveKey';
import { InstancePicker } from './InstancePicker';
import { SeriesPicker } from './SeriesPicker';
import css from './CorrectionsPage.module.css';

interface Props {
  study: Study;
  busy: boolean;
  failure: Error | null;
  onReject: (form: Form, onRejected: () => void) => void;
}

/** Loại ảnh: some series, single images of one, or all of the exam, for one of four reasons. */
export function RejectForm({ study, busy, failure, onReject }: Props) {
  const { t } = useTranslation();
  const faultOf = useFault();
  const series = useQuery({ ...seriesQuery(study.studyUid), staleTime: 0 });
  const [all, setAll] = useState(false);
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [instances, setInstances] = useState<readonly string[] | null>(null);
  const [code, setCode] = useState<RejectionCode | null>(null);
  const rows = series.data ?? [];
  const chosen = rows.filter(({ seriesUid }) => picked.includes(seriesUid));
  const only = chosen.length === 1 ? chosen[0] : undefined;
  const single = only !== undefined && instances !== null && instances.length < only.instances;
  const images = all ? study.instanceCount : single ? instances.length : chosen.reduce((sum, one) => sum + one.instances, 0);
  const isTooMuch = !all && (single ? instances.length : chosen.length) > mostRejected;
  const ready = images > 0 && !isTooMuch && code !== null && !busy;
  const pick = (uids: readonly string[]): void => {
    setPicked(uids);
    setInstances(null);
  };
  const reject = (): void => {
    if (!ready) return;
    const uids = chosen.map(({ seriesUid }) => seriesUid);
    onReject(all ? { code, all } : single ? { code, series: uids, instances } : { code, series: uids }, () => {
      pick([]);
      setCode(null);
    });
  };
  useSaveKey(reject);
  return (
    <div className={css.form}>
      <p>{t('corrections.reject.hint')}</p>
      <SegmentedControl
        className={css.level ?? ''} aria-label={t('corrections.reject.what')} value={all ? 'all' : 'some'} onChange={(value) => setAll(value === 'all')}
        data={[{ value: 'some', label: t('corrections.reject.some') }, { value: 'all', label: t('corrections.reject.all') }]}
      />
      {!all && (
        <>
          {series.isPending ? <Loading /> : series.isError && !series.data && <LoadFailed error={series.error} onRetry={() => void series.refetch()} />}
          <SeriesPicker rows={rows} chosen={picked} onChoose={pick} />
          {only && only.instances > 1 && <InstancePicker key={only.seriesUid} series={only} chosen={instances} onChoose={setInstances} />}
        </>
      )}
      <Radio.Group
        label={t('corrections.reject.why')} value={code ?? ''} error={faultOf(failure, 'code')}
        onChange={(value) => setCode(rejectionCodes.find((known) => known === value) ?? null)}
      >
        <div className={css.codes}>
          {rejectionCodes.map((known) => <Radio key={known} value={known} label={t(`corrections.rejection.${known}`)} />)}
        </div>
      </Radio.Group>
      {isTooMuch && <p role="alert" className={css.warn}>{t('corrections.reject.tooMuch', { most: mostRejected })}</p>}
      <div className={css.foot}>
        <Button disabled={!ready} onClick={reject} rightSection={<kbd>Ctrl Enter</kbd>}>{t('corrections.reject.button', { count: images })}</Button>
      </div>
    </div>
  );
}
