import { Checkbox } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Series } from '~/api/dicomweb';
import { Thumbnail } from '~/ui/Thumbnail';
import css from './CorrectionsPage.module.css';

interface Props {
  rows: readonly Series[];
  chosen: readonly string[];
  onChoose: (series: readonly string[]) => void;
}

/** The series of an exam, any of which can be chosen. */
export function SeriesPicker({ rows, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const toggle = (uid: string, on: boolean): void => onChoose(on ? [...chosen, uid] : chosen.filter((other) => other !== uid));
  return (
    <div className={css.series}>
      {rows.map((one) => (
        <label key={one.seriesUid} className={css.one} data-chosen={chosen.includes(one.seriesUid) || undefined}>
          <Checkbox checked={chosen.includes(one.seriesUid)} onChange={(event) => toggle(one.seriesUid, event.currentTarget.checked)} />
          <Thumbnail series={one} />
          <span className={css.what}><b className="cut">{one.description || one.bodyPart || one.modality}</b><small>{[one.number, one.modality, t('search.seriesImages', { count: one.instances })].filter(Boolean).join(' · ')}</small></span>
        </label>
      ))}
    </div>
  );
}
