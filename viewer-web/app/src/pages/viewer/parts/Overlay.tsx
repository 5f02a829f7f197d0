import { useTranslation } from 'react-i18next';
import { text } from '~/api/dicomJson';
import type { Study } from '~/api/types';
import { onWall } from '~/format/dates';
import { birthYear, personName } from '~/format/person';
import { usePatientWords } from '~/ui/usePatientWords';
import type { Readout } from '../engine/StackView';
import type { ImageStack } from '../model/displaySets';
import css from './cells.module.css';

interface Props {
  stack: ImageStack;
  study: Study | null;
  readout: Readout;
  counts: { loaded: number; failed: number };
  failedHere: boolean;
  shown: boolean;
  /** Frames per second while the film runs. */
  playing: number | null;
  onRetry: () => void;
}

/** The texts over an image: who, what, where in the stack, how it is shown. Failures are said even when texts are hidden. */
export function Overlay({ stack, study, readout, counts, failedHere, shown, playing, onRetry }: Props) {
  const { t } = useTranslation();
  return (
    <div className={css.overlay}>
      {/* The canvas still holds the image before: under this one's number it must not be seen. */}
      {failedHere && <div className={css.cover} />}
      {shown && (
        <>
          <PatientCorner stack={stack} study={study} />
          <StudyCorner stack={stack} study={study} />
          <SeriesCorner stack={stack} readout={readout} loaded={counts.loaded} failedHere={failedHere} />
          <ViewCorner readout={readout} playing={playing} />
          <Edges readout={readout} />
        </>
      )}
      {/* Seen while the canvas beside holds a coarse picture, also when texts are hidden: it must never be read. */}
      {!failedHere && <div className={css.coarse} role="status">{t('viewer.coarse')}</div>}
      {counts.failed > 0 && (
        <div className={css.failed} role="alert">
          <span>{failedHere ? t('viewer.failedThis') : t('viewer.failedFrames', { count: counts.failed })}</span>
          {failedHere && counts.failed > 1 && <span>({t('viewer.failedFrames', { count: counts.failed })})</span>}
          <button type="button" onClick={onRetry}>{t('viewer.retry')} <kbd>U</kbd></button>
        </div>
      )}
    </div>
  );
}

function PatientCorner({ stack, study }: { stack: ImageStack; study: Study | null }) {
  const { t } = useTranslation();
  const { sex, age } = usePatientWords();
  if (!study) return null;
  const { patient } = study;
  const atExam = age(patient, stack.date ?? study.studyDate);
  return (
    <div className={css.topLeft}>
      <b>{personName(patient.name) || t('field.unknown')}</b>
      <span>{patient.id}</span>
      <span>{[birthYear(patient.birthDate), sex(patient), atExam && t('viewer.ageAtExam', { age: atExam })].filter(Boolean).join(' · ')}</span>
    </div>
  );
}

function StudyCorner({ stack, study }: { stack: ImageStack; study: Study | null }) {
  const set = stack.sets[0] ?? {};
  const made = study ? onWall(stack.date, stack.time, stack.offset, study.timeZone) : null;
  const lines = [text(set, '00080080'), study?.description, made, study?.accessionNumber];
  return <div className={css.topRight}>{lines.filter(Boolean).map((line, index) => <span key={index}>{line}</span>)}</div>;
}

function SeriesCorner({ stack, readout, loaded, failedHere }: { stack: ImageStack; readout: Readout; loaded: number; failedHere: boolean }) {
  const { t } = useTranslation();
  const count = stack.imageIds.length;
  return (
    <div className={css.bottomLeft}>
      <span>{[stack.modality, stack.number, stack.description].filter((part) => part !== null && part !== '').join(' · ')}</span>
      {readout.thicknessMm !== null && <span>{t('viewer.thickness', { mm: readout.thicknessMm })}</span>}
      <span>
        <b>{t('viewer.slice', { n: (failedHere ? readout.index : readout.shown) + 1, count })}</b>
        {loaded < count && <span className={css.quiet}>{t('viewer.loaded', { loaded, count })}</span>}
      </span>
    </div>
  );
}

function ViewCorner({ readout, playing }: { readout: Readout; playing: number | null }) {
  const { t } = useTranslation();
  const changes = [
    readout.inverted && t('viewer.inverted'),
    readout.flipped && t('viewer.flipped'),
    readout.rotation !== 0 && t('viewer.rotated', { degrees: readout.rotation }),
  ].filter(Boolean);
  return (
    <div className={css.bottomRight}>
      {playing !== null && <span>▶ {t('viewer.fps', { fps: playing })}</span>}
      {changes.length > 0 && <span>{changes.join(' · ')}</span>}
      <span>{t('viewer.zoom', { percent: readout.zoomPercent })}</span>
      {readout.windowWidth !== null && readout.windowCentre !== null && <b>{t('viewer.window', { ww: readout.windowWidth, wl: readout.windowCentre })}</b>}
    </div>
  );
}

function Edges({ readout: { edges } }: { readout: Readout }) {
  return (
    <>
      <span className={`${css.edge} ${css.top}`}>{edges.top}</span>
      <span className={`${css.edge} ${css.right}`}>{edges.right}</span>
      <span className={`${css.edge} ${css.bottom}`}>{edges.bottom}</span>
      <span className={`${css.edge} ${css.left}`}>{edges.left}</span>
    </>
  );
}
