/** The measurements of one cell: what was removed can be had back. */
import { annotation, cancelActiveManipulations } from '@cornerstonejs/tools';

type Annotation = ReturnType<typeof annotation.state.getAllAnnotations>[number];

/** Removes measurements, and brings them back. */
export class StackMarks {
  private readonly element: HTMLDivElement;
  /** The last removal at the end. */
  private readonly removed: Annotation[][] = [];

  constructor(element: HTMLDivElement) {
    this.element = element;
  }

  /** Removes the chosen measurements of these images, or all of them. */
  remove(imageIds: readonly string[], which: 'chosen' | 'all'): void {
    const ids = new Set(imageIds);
    const mine = annotation.state.getAllAnnotations().filter(({ metadata }) => ids.has(metadata?.referencedImageId ?? ''));
    const chosen = new Set(annotation.selection.getAnnotationsSelected());
    const selected = mine.filter(({ annotationUID }) => annotationUID && chosen.has(annotationUID));
    // Without a chosen one the newest goes: what was just drawn is what one wants to take back.
    const doomed = which === 'all' ? mine : selected.length > 0 ? selected : mine.slice(-1);
    for (const { annotationUID } of doomed) if (annotationUID) annotation.state.removeAnnotation(annotationUID);
    if (doomed.length > 0) this.removed.push(doomed);
  }

  /** Brings back what was removed last. */
  restore(): void {
    for (const mark of this.removed.pop() ?? []) annotation.state.addAnnotation(mark, this.element);
  }

  /** Drops a measurement that is being drawn or moved, to be had back like any other; false when there is none. */
  cancel(): boolean {
    const uid = cancelActiveManipulations(this.element);
    const mark = uid ? annotation.state.getAnnotation(uid) : undefined;
    if (!uid || !mark) return false;
    annotation.state.removeAnnotation(uid);
    this.removed.push([mark]);
    return true;
  }
}

/** Has the values that measurements take from an image taken anew. */
export function invalidateMarks(imageId: string): void {
  for (const mark of annotation.state.getAllAnnotations()) if (mark.metadata?.referencedImageId === imageId) mark.invalidated = true;
}
