/** The texts beside measurements, in the page's language and number format. */
import { cache } from '@cornerstonejs/core';
import i18next from 'i18next';
import { isOnItsWay } from './frameLoader';

interface Stats {
  length?: number;
  unit?: string;
  area?: number;
  areaUnit?: string;
  mean?: number;
  stdDev?: number;
  min?: number;
  max?: number;
  index?: readonly number[];
  modalityUnit?: string | string[];
}

interface MarkData {
  cachedStats?: Record<string, Stats | undefined>;
}

/** A length: `12,4 mm`. */
export function lengthLines(data: MarkData, targetId: string): string[] | undefined {
  const { length, unit } = data.cachedStats?.[targetId] ?? {};
  return length === undefined || Number.isNaN(length) ? undefined : [figure(length, unit)];
}

/** A region: mean, standard deviation, extremes, area. */
export function regionLines(data: MarkData, target: string | string[]): string[] | undefined {
  const targetId = Array.isArray(target) ? (target[0] ?? '') : target;
  const stats = data.cachedStats?.[targetId];
  // A coarse picture is nothing to take values from.
  if (isOnItsWay(imageIdOf(targetId))) return undefined;
  if (stats?.mean === undefined || stats.mean === null) return undefined;
  const unit = Array.isArray(stats.modalityUnit) ? stats.modalityUnit[0] : stats.modalityUnit;
  const { t } = i18next;
  return [
    `${t('viewer.mark.mean')} ${figure(stats.mean, unit)}`,
    `${t('viewer.mark.sd')} ${figure(stats.stdDev, unit)}`,
    `${t('viewer.mark.min')} ${figure(stats.min)} · ${t('viewer.mark.max')} ${figure(stats.max)}`,
    `${t('viewer.mark.area')} ${figure(stats.area, stats.areaUnit)}`,
  ];
}

/** The value under a point; three values for colour. */
export function probeLines(data: MarkData, targetId: string): string[] | undefined {
  if (isOnItsWay(imageIdOf(targetId))) return undefined;
  const { index, modalityUnit } = data.cachedStats?.[targetId] ?? {};
  const value = index && valueAt(targetId, index);
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return [value.map((part) => figure(part)).join(' / ')];
  return [figure(value, Array.isArray(modalityUnit) ? modalityUnit[0] : modalityUnit)];
}

/** Read from the image itself: the tool looks for it at the image's place in the stack, where a single image has nothing. */
function valueAt(targetId: string, [column, row]: readonly number[]): number | number[] | undefined {
  const voxels = cache.getImage(imageIdOf(targetId))?.voxelManager;
  return voxels?.getAtIJKPoint([column ?? 0, row ?? 0, 0]) as number | number[] | undefined;
}

const imageIdOf = (targetId: string): string => targetId.replace(/^imageId:/, '');

function figure(value: number | undefined, unit?: string): string {
  if (value === undefined || value === null || Number.isNaN(value)) return '–';
  const digits = Math.abs(value) < 10 ? 2 : 1;
  const text = new Intl.NumberFormat(i18next.language, { maximumFractionDigits: digits }).format(value);
  return unit ? `${text} ${unit}` : text;
}
