import { Button, CloseButton } from '@mantine/core';
import { IconFileText } from '@tabler/icons-react';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { seriesQuery, studyQuery } from '~/api/queries';
import { hasPictures, mainModalities, type Series } from '~/api/dicomweb';
import type { Study } from '~/api/types';
import { day, dayAndClock, instant } from '~/format/dates';
import { correctionsPath, recordPath } from '~/app/paths';
import { offers } from '~/app/rights';
import { useSession } from '~/app/session';
import { prefetchFirstImage } from '~/app/viewerChunk';
import { personName } from '~/format/person';
import { SendTo } from '~/pages/queue/SendTo';
import { ExamLabel, Flags } from '~/ui/ExamLabel';
import { Loading } from '~/ui/LoadState';
import { PerformedSteps } from '~/ui/PerformedSteps';
import { Thumbnail } from '~/ui/Thumbnail';
import { usePatientWords } from '~/ui/usePatientWords';
import css from './StudyPreview.module.css';

interface Props {
  study: Study | null;
  onOpen: (studyUid: string) => void;
  onClose: () => void;
}

/** What a click on a row shows: who, what, pictures of the series, the patient's other exams. */
export function StudyPreview({ study, onOpen, onClose }: Props) {
  const { t } = useTranslation();
  const role = useSession().data?.user.role;
  const maySend = offers(role, 'sendImages');
  const mayCorrect = offers(role, 'correctImages');
  if (!study) return <aside className={`${css.panel} ${css.vacant}`}><p>{t('search.noPreview')}</p></aside>;
  return (
    <aside className={css.panel} aria-label={t('search.preview')}>
      <CloseButton className={css.close ?? ''} size="sm" aria-label={t('action.close')} onClick={onClose} />
      <Who study={study} />
      <Button className={css.open ?? ''} onClick={() => onOpen(study.studyUid)} disabled={study.instanceCount === 0}>
        {t('search.open')}
      </Button>
      <Button className={css.open ?? ''} variant="default" component={Link} to={recordPath(study.recordId)}>{t('record.title')}</Button>
      {mayCorrect && <Button className={css.open ?? ''} variant="default" component={Link} to={correctionsPath(study.studyUid)}>{t('corrections.button')}</Button>}
      {maySend && study.instanceCount > 0 && <SendTo key={study.studyUid} studyUid={study.studyUid} />}
      <Reported studyUid={study.studyUid} />
      <Pictures studyUid={study.studyUid} onOpen={() => onOpen(study.studyUid)} />
      <Others studyUid={study.studyUid} onOpen={onOpen} />
    </aside>
  );
}

function Who({ study }: { study: Study }) {
  const { t } = useTranslation();
  const { short, age } = usePatientWords();
  const facts: [string, string | null][] = [
    [t('field.patientId'), study.patient.id],
    [t('field.accession'), study.accessionNumber],
    [t('field.date'), dayAndClock(study.studyDate, study.studyTime)],
    [t('field.received'), instant(study.receivedAt)],
    [t('field.facility'), study.facility],
  ];
  return (
    <>
      <h2 className={css.name}>{personName(study.patient.name) || t('field.unknown')}</h2>
      <p className={css.short}>{[short(study.patient), age(study.patient, study.studyDate)].filter(Boolean).join(' · ')}</p>
      <p className={css.what}>{[mainModalities(study.modalities), study.description].filter(Boolean).join(' · ')}</p>
      <div className={css.labels}><ExamLabel label={study.label} /><Flags flags={study.flags} /></div>
      <dl className={css.facts}>
        {facts.filter(([, value]) => value).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
    </>
  );
}

function Pictures({ studyUid, onOpen }: { studyUid: string; onOpen: () => void }) {
  const { t } = useTranslation();
  // Holding an arrow key passes over many rows; only the one rested on is asked for.
  const [rested] = useDebouncedValue(studyUid, 120);
  const series = useQuery({ ...seriesQuery(rested), enabled: rested === studyUid });
  const client = useQueryClient();
  useEffect(() => {
    // Who stays on a row for a moment is about to open it.
    const stay = setTimeout(() => void prefetchFirstImage(client, studyUid).catch(() => undefined), 350);
    return () => clearTimeout(stay);
  }, [client, studyUid]);
  if (rested !== studyUid || series.isPending) return <Loading />;
  if (series.isError) return null;
  if (series.data.length === 0) return <p className={css.dim}>{t('search.noSeries')}</p>;
  const documents = series.data.filter(({ modality }) => !hasPictures(modality));
  return (
    <>
      <div className={css.pictures}>
        {series.data.filter(({ modality }) => hasPictures(modality)).map((one) => <Picture key={one.seriesUid} series={one} onOpen={onOpen} />)}
      </div>
      {documents.map(({ seriesUid, modality, description }) => (
        <p key={seriesUid} className={css.document}><IconFileText size={14} stroke={1.5} />{[modality, description].filter(Boolean).join(' · ')}</p>
      ))}
    </>
  );
}

function Picture({ series, onOpen }: { series: Series; onOpen: () => void }) {
  const { t } = useTranslation();
  const name = series.description || series.bodyPart || series.modality;
  return (
    <figure className={css.picture} onDoubleClick={onOpen}>
      <Thumbnail series={series} />
      <figcaption title={name}>
        <span>{name}</span>
        <small>{t('search.seriesImages', { count: series.instances })}</small>
      </figcaption>
    </figure>
  );
}

/** What consoles reported, of the row one rests on. */
function Reported({ studyUid }: { studyUid: string }) {
  const [rested] = useDebouncedValue(studyUid, 120);
  return rested === studyUid && <div className={css.reported}><PerformedSteps key={studyUid} of={{ studyUid }} /></div>;
}

function Others({ studyUid, onOpen }: { studyUid: string; onOpen: (studyUid: string) => void }) {
  const { t } = useTranslation();
  const [rested] = useDebouncedValue(studyUid, 120);
  const { data } = useQuery({ ...studyQuery(rested), enabled: rested === studyUid });
  if (!data || data.studyUid !== studyUid || data.priors.length === 0) return null;
  return (
    <section>
      <h3 className={css.subtitle}>{t('search.otherStudies')}</h3>
      {data.priors.map((prior) => (
        <button type="button" key={prior.studyUid} className={css.prior} onClick={() => onOpen(prior.studyUid)}>
          <span>{day(prior.studyDate)}</span>
          <b>{mainModalities(prior.modalities)}</b>
          <span className={css.cut}>{prior.description}</span>
        </button>
      ))}
    </section>
  );
}
