import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BackupRun } from '~/api/keepingTypes';
import { bytes } from '~/format/bytes';
import { instant } from '~/format/dates';
import { listKeyLines } from '~/keys/listKeyLines';
import { usePageKeys } from '~/keys/pageKeys';
import { useListKeys } from '~/keys/useListKeys';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { Empty } from '~/ui/LoadState';
import { usePhone } from '~/ui/usePhone';
import { useWhy } from '~/ui/useWhy';
import { WhyBar } from '~/ui/WhyBar';
import ui from '~/ui/ui.module.css';

/** The backups that were tried last. */
export function BackupRuns({ runs }: { runs: readonly BackupRun[] }) {
  const { t } = useTranslation();
  const [selected, setSelected] = useState<string | null>(null);
  const phone = usePhone();
  const stateOf = useStateOf();
  const columns = useColumns(stateOf);
  const rowKey = (run: BackupRun): string => run.snapshot;
  useListKeys({ rows: runs, rowKey, selected, onSelect: (run) => setSelected(run.snapshot), onOpen: () => undefined, onClearSearch: () => setSelected(null) });
  usePageKeys(useMemo(() => [{ title: t('keys.list'), lines: listKeyLines(t, null) }], [t]));
  if (runs.length === 0) return <Empty title={t('storage.noRuns')} hint={t('storage.noRunsHint')} />;
  return (
    <>
      <DataGrid
        label={t('storage.runs')} columns={columns} rows={runs} rowKey={rowKey}
        selected={selected} onSelect={(run) => setSelected(run.snapshot)} narrow={phone ? (run) => <NarrowRun run={run} /> : undefined}
      />
      <WhyBar list="backup" reason={runs.find((run) => run.snapshot === selected)?.error} />
    </>
  );
}

/** What came of a backup, in words. */
function useStateOf(): (run: BackupRun) => string {
  const { t } = useTranslation();
  const { whole } = useWhy('backup');
  return useCallback((run: BackupRun) => {
    const word = run.state === 'done' && run.damaged > 0 ? t('storage.withDamage', { parts: run.damaged }) : t(`storage.stateWord.${run.state}`);
    return run.error ? `${word}: ${whole(run.error)}` : word;
  }, [t, whole]);
}

/** A backup on a phone: when and how much on the first line, what came of it and where it lies on the second. */
function NarrowRun({ run }: { run: BackupRun }) {
  const { i18n } = useTranslation();
  const stateOf = useStateOf();
  return (
    <div className={ui.twoLines}>
      <div><span className={ui.strong}>{instant(run.startedAt)}</span><span className={ui.far}>{run.state === 'done' && bytes(run.objectBytes, i18n.language)}</span></div>
      <div className={ui.dim}><span className="cut">{[stateOf(run), run.target].join(' · ')}</span></div>
    </div>
  );
}

function useColumns(stateOf: (run: BackupRun) => string): Column<BackupRun>[] {
  const { t, i18n } = useTranslation();
  return useMemo((): Column<BackupRun>[] => {
    const size = (run: BackupRun, count: number): string => (run.state === 'done' ? bytes(count, i18n.language) : '');
    return [
      { id: 'started', title: t('storage.started'), width: '130px', cell: (run) => <span className={ui.strong}>{instant(run.startedAt)}</span> },
      { id: 'ended', title: t('storage.ended'), width: '130px', cell: (run) => instant(run.endedAt) },
      { id: 'state', title: t('storage.state'), width: 'minmax(120px, 2.4fr)', cell: (run) => <span className="cut" title={stateOf(run)}>{stateOf(run)}</span> },
      { id: 'objects', title: t('storage.objects'), width: '80px', end: true, cell: (run) => (run.state === 'done' ? new Intl.NumberFormat(i18n.language).format(run.objects) : '') },
      { id: 'size', title: t('storage.size'), width: '90px', end: true, cell: (run) => size(run, run.objectBytes) },
      { id: 'copied', title: t('storage.copied'), width: '90px', end: true, cell: (run) => size(run, run.copiedBytes) },
      { id: 'target', title: t('storage.target'), width: 'minmax(180px, 1fr)', cell: (run) => <span className="cut">{run.target}</span> },
    ];
  }, [t, i18n.language, stateOf]);
}
