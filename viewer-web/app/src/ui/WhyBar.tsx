import type { Reason } from '~/api/types';
import type { ReasonList } from '~/i18n/why';
import ui from './ui.module.css';
import { Why } from './Why';

/** Under a list without a panel: the whole of the reason that the selected row has room for the beginning of. */
export function WhyBar({ list, reason }: { list: ReasonList; reason: Reason | null | undefined }) {
  if (!reason) return null;
  return <div className={ui.whyBar} role="note"><Why list={list} reason={reason} /></div>;
}
