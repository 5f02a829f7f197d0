import { useMediaQuery } from '@mantine/hooks';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { mainModalities } from '~/api/dicomweb';
import type { Study } from '~/api/types';
import { dayAndClock } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import { DataGrid, type Column } from '~/ui/DataGrid';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { usePatientWords } from '~/ui/usePatientWords';
import { usePhone } from '~/ui/usePhone';
import ui from '~/ui/ui.module.css';
import { scroll } from './searchState';
import css from './SearchPage.module.css';

interface Props {
  studies: readonly Study[];
  selected: string | null;
  onSelect: (study: Study) => void;
  onOpen: (study: Study) => void;
  onNearEnd: () => void;
  footer: ReactNode;
}

/** The rows of the exam search. */
export function StudyGrid({ studies, selected, onSelect, onOpen, onNearEnd, footer }: Props) {
  const { t } = useTranslation();
  const phone = usePhone();
  return (
    <DataGrid
      label={t('nav.search')} columns={useColumns()} rows={studies} rowKey={(study) => study.studyUid}
      selected={selected} onSelect={onSelect} onOpen={onOpen} onNearEnd={onNearEnd} footer={footer} scroll={scroll}
      narrow={phone ? (study) => <NarrowRow study={study} /> : undefined}
    />
  );
}

/** Flags that stand before everything else. */
const urgent: ReadonlySet<string> = new Set(['emergency', 'critical', 'overdue']);

/** The exam's label; images without an exam say that instead. */
function StudyLabel({ study }: { study: Study }) {
  const { t } = useTranslation();
  if (study.label) return <ExamLabel label={study.label} />;
  return study.flags.includes('unmatched') ? <span className={`cut ${css.dim}`}>{t('exam.flag.unmatched')}</span> : null;
}

function useColumns(): Column<Study>[] {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  const wide = useMediaQuery('(min-width: 1500px)', undefined, { getInitialValueInEffect: false });
  return useMemo(() => {
    const columns: Column<Study>[] = [
      { id: 'date', title: t('field.date'), width: '110px', cell: (study) => dayAndClock(study.studyDate, study.studyTime) },
      { id: 'name', title: t('field.patient'), width: 'minmax(140px, 1.2fr)', cell: (study) => <span className={`cut ${ui.strong}`}>{personName(study.patient.name) || t('field.unknown')}</span> },
      { id: 'born', title: t('field.birthYear'), width: '56px', cell: (study) => birthYear(study.patient.birthDate) },
      { id: 'sex', title: t('field.sex'), width: '44px', cell: (study) => sex(study.patient) },
      { id: 'id', title: t('field.patientId'), width: '102px', cell: (study) => <span className="cut" title={study.patient.id}>{study.patient.id}</span> },
      { id: 'accession', title: t('field.accession'), width: '92px', cell: (study) => <span className="cut">{study.accessionNumber}</span> },
      { id: 'modality', title: t('field.modality'), width: '52px', cell: (study) => <span className={`cut ${ui.modality}`}>{mainModalities(study.modalities)}</span> },
      { id: 'description', title: t('field.description'), width: 'minmax(120px, 1.6fr)', cell: (study) => <><Flags flags={study.flags.filter((flag) => urgent.has(flag))} /><span className="cut">{study.description}</span><Flags flags={study.flags.filter((flag) => flag !== 'unmatched' && !urgent.has(flag))} /></> },
      { id: 'images', title: t('field.images'), width: '46px', end: true, cell: (study) => study.instanceCount },
      { id: 'label', title: t('field.label'), width: '108px', cell: (study) => <StudyLabel study={study} /> },
    ];
    if (wide) columns.splice(8, 0, { id: 'facility', title: t('field.facility'), width: '90px', cell: (study) => <span className="cut">{study.facility}</span> });
    return columns;
  }, [t, sex, wide]);
}

/** A row on a phone: who on the first line, what and when on the second. */
function NarrowRow({ study }: { study: Study }) {
  const { short } = usePatientWords();
  return (
    <div className={ui.twoLines}>
      <div>
        <span className={`${css.cut} ${ui.strong}`}>{personName(study.patient.name)}</span>
        <span className={css.far}>{short(study.patient)}</span>
      </div>
      <div className={css.dim}>
        <span className={ui.modality}>{mainModalities(study.modalities)}</span>
        <span className={css.cut}>{dayAndClock(study.studyDate, study.studyTime)} · {study.patient.id} · {study.accessionNumber}</span>
        <Flags flags={study.flags} />
      </div>
    </div>
  );
}
