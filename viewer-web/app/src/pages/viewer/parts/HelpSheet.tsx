import { useTranslation } from 'react-i18next';
import { KeySheet, type KeyGroup, type KeyLine } from '~/ui/KeySheet';
import { bindings, type Binding, type Group } from '../model/keyMap';
import { presetsOf } from '../model/presets';
import { useKeyWords } from './useKeyWords';

const groups: readonly Group[] = ['tools', 'image', 'browse', 'layout', 'marks', 'other'];
const mouse = ['left', 'middle', 'right', 'wheel', 'double'] as const;

/** Every key of the viewer, the presets of the shown modality, and the mouse. */
export function HelpSheet({ modality, onClose }: { modality: string; onClose: () => void }) {
  const { t } = useTranslation();
  const words = useKeyWords();
  const lineOf = (binding: Binding): KeyLine => {
    const { command } = binding;
    const what = command.kind === 'tool' ? t(`viewer.tool.${command.tool}`) : command.kind === 'action' ? t(`viewer.action.${command.name}`) : '';
    return { caps: words(binding), what };
  };
  const all: KeyGroup[] = [
    ...groups.map((group) => ({ title: t(`viewer.group.${group}`), lines: bindings.filter((binding) => binding.group === group).map(lineOf) })),
    {
      title: `${t('viewer.group.windows')} ${modality}`,
      lines: presetsOf(modality).map(({ name, digit }) => ({ caps: [digit], what: t(`viewer.preset.${name}`) })),
    },
    { title: t('viewer.mouse.title'), lines: mouse.map((name) => ({ caps: [], what: t(`viewer.mouse.${name}`) })) },
  ];
  return <KeySheet groups={all} onClose={onClose} />;
}
