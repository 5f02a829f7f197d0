import { IconFileText, IconPhotoOff } from '@tabler/icons-react';
import { useState } from 'react';
import { hasPictures, instancePath, thumbnailOf, type Series } from '~/api/dicomweb';
import css from './Thumbnail.module.css';

interface Props {
  series: Pick<Series, 'studyUid' | 'seriesUid' | 'modality'>;
  /** One image of it. */
  instance?: string;
}

/** The picture of a series, or of one of its images; a sign in its place when it has none. */
export function Thumbnail({ series, instance }: Props) {
  const [broken, setBroken] = useState(false);
  if (!hasPictures(series.modality)) return <span className={css.frame}><IconFileText size={26} stroke={1.2} /><b>{series.modality}</b></span>;
  if (broken) return <span className={css.frame}><IconPhotoOff size={24} stroke={1.2} /></span>;
  const source = instance ? `${instancePath(series.studyUid, series.seriesUid, instance)}/thumbnail` : thumbnailOf(series.studyUid, series.seriesUid);
  return (
    <span className={css.frame}>
      <img src={source} alt="" loading="lazy" draggable={false} onError={() => setBroken(true)} />
    </span>
  );
}
