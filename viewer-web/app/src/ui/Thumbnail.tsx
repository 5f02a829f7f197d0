import { IconFileText, IconPhotoOff } from '@tabler/icons-react';
import { useState } from 'react';
import { hasPictures, thumbnailOf, type Series } from '~/api/dicomweb';
import css from './Thumbnail.module.css';


/** The picture of a series; a sign in its place when it has none. */
export function Thumbnail({ series }: { series: Pick<Series, 'studyUid' | 'seriesUid' | 'modality'> }) {
  const [broken, setBroken] = useState(false);
  if (!hasPictures(series.modality)) return <span className={css.frame}><IconFileText size={26} stroke={1.2} /><b>{series.modality}</b></span>;
  if (broken) return <span className={css.frame}><IconPhotoOff size={24} stroke={1.2} /></span>;
  return (
    <span className={css.frame}>
      <img src={thumbnailOf(series.studyUid, series.seriesUid)} alt="" loading="lazy" draggable={false} onError={() => setBroken(true)} />
    </span>
  );
}
