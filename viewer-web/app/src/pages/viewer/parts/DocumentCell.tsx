import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { date, items, number, text, texts, type DataSet } from '~/api/dicomJson';
import { bytesOf } from '~/api/dicomweb';
import { Problem } from '~/api/http';
import { day } from '~/format/dates';
import { useProblemText } from '~/ui/useProblemText';
import type { DocumentSet } from '../model/displaySets';
import css from './cells.module.css';

/** An object that is no image: its content where it is text, a way to it where it is a file, its name otherwise. */
export function DocumentCell({ document: shown }: { document: DocumentSet }) {
  const { t } = useTranslation();
  const content = items(shown.set, '0040A730');
  return (
    <article className={css.document}>
      <h2>{shown.title || t(`viewer.document.${shown.kind}`)}</h2>
      <p>{[shown.modality, t(`viewer.document.${shown.kind}`), day(shown.date)].filter(Boolean).join(' · ')}</p>
      {shown.kind === 'pdf' ? <PdfLink shown={shown} />
        : content.length > 0 ? <Content sets={content} />
          : <p>{t('viewer.document.noView')}</p>}
    </article>
  );
}

/** The encapsulated file (0042,0011), saved under the document's title. */
function PdfLink({ shown }: { shown: DocumentSet }) {
  const { t } = useTranslation();
  const open = useMutation({
    mutationFn: async () => {
      const bytes = await bytesOf(shown.set['00420011'], 'application/pdf');
      if (!bytes) throw new Problem(404);
      const url = URL.createObjectURL(new Blob([bytes], { type: 'application/pdf' }));
      const link = Object.assign(document.createElement('a'), { href: url, download: `${shown.title || shown.kind}.pdf` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    },
  });
  const why = useProblemText(open.error);
  return (
    <>
      <Button variant="default" loading={open.isPending} onClick={() => open.mutate()}>{t('viewer.document.open')}</Button>
      {open.isError && <p role="alert">{why}</p>}
    </>
  );
}

/** The content tree of a structured document (PS3.3 C.17.3). */
function Content({ sets }: { sets: readonly DataSet[] }) {
  return (
    <ul className={css.tree}>
      {sets.map((set, index) => {
        const children = items(set, '0040A730');
        return (
          <li key={index}>
            <span className={css.name}>{meaning(items(set, '0040A043')[0])}</span>
            <Value set={set} />
            {children.length > 0 && <Content sets={children} />}
          </li>
        );
      })}
    </ul>
  );
}

function Value({ set }: { set: DataSet }) {
  const { t } = useTranslation();
  const measured = items(set, '0040A300')[0];
  const references = items(set, '00081199').length;
  const value =
    texts(set, '0040A160').join(' ') || text(set, '0040A123') || meaning(items(set, '0040A168')[0]) || day(date(set, '0040A121'))
    || text(set, '0040A120') || text(set, '0040A122') || text(set, '0040A124')
    || (measured && `${number(measured, '0040A30A') ?? ''} ${meaning(items(measured, '004008EA')[0])}`)
    || (references > 0 && t('viewer.document.references', { count: references }));
  return <span style={{ whiteSpace: 'pre-line' }}>{value}</span>;
}

function meaning(code: DataSet | undefined): string {
  return code ? (text(code, '00080104') ?? text(code, '00080100') ?? '') : '';
}
