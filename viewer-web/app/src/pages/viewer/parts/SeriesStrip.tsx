import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { hasPictures, mainModalities, type Series } from '~/api/dicomweb';
import type { Study } from '~/api/types';
import { day } from '~/format/dates';
import { Thumbnail } from '~/ui/Thumbnail';
import { displaySetsQuery } from '../model/displaySetsQuery';
import { partText, type StripStudy } from '../model/useViewerData';
import { dragType } from './CellGrid';
import css from './strip.module.css';

interface Props {
  strip: readonly StripStudy[];
  unfolded: readonly string[];
  onUnfold: (studyUid: string) => void;
  /** Keys of what is shown, the active cell's first. */
  shown: readonly string[];
  onShow: (key: string) => void;
}

/** The series of the study, and the patient's other studies below it. */
export function SeriesStrip({ strip, unfolded, onUnfold, shown, onShow }: Props) {
  const { t } = useTranslation();
  const [opened, ...others] = strip;
  return (
    <nav className={css.strip} aria-label={t('viewer.series')}>
      {opened && <div className={css.tiles}>{opened.series?.map((series) => <Tiles key={series.seriesUid} series={series} shown={shown} onShow={onShow} />)}</div>}
      {others.length > 0 && <h2 className={css.heading}>{t('viewer.priors')}</h2>}
      {others.map(({ study, series }) => {
        const open = unfolded.includes(study.studyUid);
        return (
          <section key={study.studyUid}>
            <PriorHead study={study} open={open} onToggle={() => onUnfold(study.studyUid)} />
            {open && <div className={css.tiles}>{series?.map((one) => <Tiles key={one.seriesUid} series={one} shown={shown} onShow={onShow} />)}</div>}
          </section>
        );
      })}
    </nav>
  );
}

function PriorHead({ study, open, onToggle }: { study: Study; open: boolean; onToggle: () => void }) {
  return (
    <button type="button" className={css.prior} aria-expanded={open} onClick={onToggle}>
      {open ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
      <span>
        <span>{day(study.studyDate)} <b>{mainModalities(study.modalities)}</b></span>
        <small>{study.description}</small>
      </span>
    </button>
  );
}

/** One tile for a series, or one for each of its films and documents once they are known. */
function Tiles({ series, shown, onShow }: { series: Series; shown: readonly string[]; onShow: (key: string) => void }) {
  const { data: parts } = useQuery({ ...displaySetsQuery(series.studyUid, series.seriesUid), enabled: false });
  const count = Math.max(1, parts?.length ?? 1);
  return Array.from({ length: count }, (_, part) => {
    const set = parts?.[part];
    const key = partText({ studyUid: series.studyUid, seriesUid: series.seriesUid, part });
    const name = (set?.is === 'stack' ? set.description : set?.title) || series.description || series.bodyPart || series.modality;
    const pictures = set ? set.is === 'stack' : hasPictures(series.modality);
    const images = set?.is === 'stack' ? set.imageIds.length : pictures ? series.instances : null;
    return <Tile key={key} tileKey={key} series={series} name={name} images={images} position={shown.indexOf(key)} onShow={onShow} />;
  });
}

interface TileProps {
  tileKey: string;
  series: Series;
  name: string;
  images: number | null;
  /** 0 in the active cell, more in another, -1 not shown. */
  position: number;
  onShow: (key: string) => void;
}

function Tile({ tileKey, series, name, images, position, onShow }: TileProps) {
  const { t } = useTranslation();
  const element = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (position === 0) element.current?.scrollIntoView({ block: 'nearest' });
  }, [position]);
  return (
    <button
      ref={element} type="button" className={css.tile} draggable title={name} aria-current={position === 0}
      data-shown={position >= 0 || undefined} data-document={images === null || undefined} onClick={() => onShow(tileKey)}
      onDragStart={(event) => event.dataTransfer.setData(dragType, tileKey)}
    >
      <Thumbnail series={series} />
      <span className={css.name}>{[series.number, name].filter((part) => part !== null && part !== '').join(' · ')}</span>
      <span className={css.count}>{series.modality}{images === null ? '' : ` · ${t('viewer.images', { count: images })}`}</span>
    </button>
  );
}
