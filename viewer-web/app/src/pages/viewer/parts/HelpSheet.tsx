import { CloseButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { bindings, type Binding, type Group } from '../model/keyMap';
import { presetsOf } from '../model/presets';
import { useKeyWords } from './useKeyWords';
import css from './help.module.css';

const groups: readonly Group[] = ['tools', 'image', 'browse', 'layout', 'marks', 'other'];
const mouse = ['left', 'middle', 'right', 'wheel', 'double'] as const;

/** Every key and what it does, beside the images rather than over them. */
export function HelpSheet({ modality, onClose }: { modality: string; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <aside className={css.sheet} aria-label={t('viewer.action.help')}>
      <header>
        <h2>{t('viewer.action.help')}</h2>
        <CloseButton size="sm" aria-label={t('action.close')} onClick={onClose} />
      </header>
      {groups.map((group) => (
        <section key={group}>
          <h3>{t(`viewer.group.${group}`)}</h3>
          {bindings.filter((binding) => binding.group === group).map((binding) => <Line key={`${binding.code}${binding.shift}`} binding={binding} />)}
        </section>
      ))}
      <section>
        <h3>{t('viewer.group.windows')} {modality}</h3>
        {presetsOf(modality).map(({ name, digit }) => <p key={name}><span>{t(`viewer.preset.${name}`)}</span><kbd>{digit}</kbd></p>)}
      </section>
      <section>
        <h3>{t('viewer.mouse.title')}</h3>
        {mouse.map((name) => <p key={name}><span>{t(`viewer.mouse.${name}`)}</span></p>)}
      </section>
    </aside>
  );
}

function Line({ binding }: { binding: Binding }) {
  const { t } = useTranslation();
  const words = useKeyWords();
  const { command } = binding;
  const name = command.kind === 'tool' ? t(`viewer.tool.${command.tool}`) : command.kind === 'action' ? t(`viewer.action.${command.name}`) : '';
  return <p><span>{name}</span><kbd>{words(binding)}</kbd></p>;
}
