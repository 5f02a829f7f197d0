const boxes = ['checkbox', 'radio', 'button', 'submit'];

/** Whether keys are letters there: what one ticks or chooses with is no text. */
export function isText(target: EventTarget | null): target is HTMLInputElement | HTMLTextAreaElement {
  return target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && !boxes.includes(target.type));
}
