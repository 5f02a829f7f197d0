import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { server } from '~/api/server';
import type { ContentDifference, Discrepancy, Patient } from '~/api/types';
import { bytes } from '~/format/bytes';
import { day, instant } from '~/format/dates';
import { fold } from '~/format/fold';
import { personName } from '~/format/person';
import { phrases } from '~/i18n';
import { LoadFailed } from '~/ui/LoadState';
import { usePatientWords } from '~/ui/usePatientWords';
import { otherSide } from './sides';
import css from './ReconciliationPage.module.css';

/** Both sides beside each other, line by line: what differs says so. */
export function Comparison({ row }: { row: Discrepancy }) {
  const { t } = useTranslation();
  const other = otherSide(row);
  if (row.other.contents) return <Contents row={row} contents={row.other.contents} />;
  if (!other) return row.other.studyUid ? <p className={css.uid}>{t('reconciliation.otherStudy')}: <code>{row.other.studyUid}</code></p> : null;
  return <Persons images={row.study.patient} other={other.patient} heading={t(`reconciliation.${other.heading}`)} studies={row.other.patient && other.heading !== 'inside' ? row.other.studyCount : null} />;
}

function Persons({ images, other, heading, studies }: { images: Patient; other: Patient; heading: string; studies: number | null }) {
  const { t } = useTranslation();
  const { sex } = usePatientWords();
  const lines: [string, string, string, boolean][] = [
    line(t('field.patient'), personName(images.name), personName(other.name), (name) => fold(name).split(' ').toSorted().join(' ')),
    line(t('field.patientId'), images.id, other.id),
    line(t('reconciliation.issuer'), images.issuer ?? '', other.issuer ?? ''),
    line(t('order.birth'), day(images.birthDate), day(other.birthDate)),
    line(t('field.sex'), sex(images), sex(other)),
  ];
  return (
    <table className={css.sides}>
      <thead><tr><th /><th>{t('reconciliation.images')}</th><th>{heading}</th><th /></tr></thead>
      <tbody>
        {lines.map(([name, ours, theirs, same]) => (
          <tr key={name} data-differs={!same || undefined}>
            <th>{name}</th><td>{ours || '–'}</td><td>{theirs || '–'}</td><td>{same ? t('reconciliation.same') : t('reconciliation.differs')}</td>
          </tr>
        ))}
        {studies !== null && <tr><th>{t('reconciliation.studies')}</th><td /><td>{studies}</td><td /></tr>}
      </tbody>
    </table>
  );
}

/** A line of both sides; what one of them does not say contradicts nothing. */
function line(name: string, ours: string, theirs: string, gist: (text: string) => string = fold): [string, string, string, boolean] {
  return [name, ours, theirs, ours === '' || theirs === '' || gist(ours) === gist(theirs)];
}

function Contents({ row, contents }: { row: Discrepancy; contents: NonNullable<Discrepancy['other']['contents']> }) {
  const { t } = useTranslation();
  const { data, error, isLoadingError, refetch } = useQuery({ queryKey: ['difference', row.id, contents], queryFn: ({ signal }) => server.difference(row.id, signal) });
  const facts: [string, string][] = [
    [t('reconciliation.contents.instances'), String(contents.instances)],
    [t('reconciliation.contents.kept'), String(contents.kept)],
    [t('reconciliation.contents.serves'), t(`reconciliation.serving.${contents.serves ?? 'mixed'}`)],
  ];
  return (
    <>
      <table className={css.sides}>
        <tbody>{facts.map(([name, value]) => <tr key={name}><th>{name}</th><td>{value}</td></tr>)}</tbody>
      </table>
      {isLoadingError && <LoadFailed error={error} onRetry={() => void refetch()} />}
      {data && <Difference difference={data} />}
    </>
  );
}

const patientName = '00100010';

type KnownKeyword = keyof (typeof phrases)['vi']['corrections']['field'];

/** Whether the pages have a word for an attribute. */
function isKnown(keyword: string): keyword is KnownKeyword {
  return keyword in phrases.vi.corrections.field;
}

/** What the first of the images says in both contents. */
function Difference({ difference: { first, newest, lines, cut } }: { difference: ContentDifference }) {
  const { t, i18n } = useTranslation();
  const size = (count: number): string => bytes(count, i18n.language);
  const nameOf = ({ tag, keyword }: ContentDifference['lines'][number]): string =>
    (keyword !== null && isKnown(keyword) ? t(`corrections.field.${keyword}`) : keyword ?? tag);
  const said = (tag: string, text: string | null): string => (tag === patientName ? personName(text) : text) || '–';
  const isEncodedOtherwise = first.transferSyntax !== newest.transferSyntax;
  return (
    <table className={`${css.sides} ${css.contents}`}>
      <thead><tr><th /><th>{t('reconciliation.contents.first')}</th><th>{t('reconciliation.contents.newest')}</th></tr></thead>
      <tbody>
        <tr><th>{t('field.received')}</th><td>{instant(first.receivedAt)}</td><td>{instant(newest.receivedAt)}</td></tr>
        <tr><th>{t('reconciliation.contents.size')}</th><td>{size(first.bytes)}</td><td>{size(newest.bytes)}</td></tr>
        {isEncodedOtherwise && (
          <tr data-differs>
            <th>{t('reconciliation.contents.syntax')}</th><td><code>{first.transferSyntax}</code></td><td><code>{newest.transferSyntax}</code></td>
          </tr>
        )}
        {lines.map((line) => (
          <tr key={line.tag} data-differs>
            <th title={line.keyword ?? line.tag}>{nameOf(line)}</th><td>{said(line.tag, line.first)}</td><td>{said(line.tag, line.newest)}</td>
          </tr>
        ))}
        {lines.length === 0 && <tr><td colSpan={3}>{t(`reconciliation.contents.${isEncodedOtherwise ? 'encoded' : 'pixels'}`)}</td></tr>}
        {cut && <tr><td colSpan={3}>{t('reconciliation.contents.cut')}</td></tr>}
      </tbody>
    </table>
  );
}
