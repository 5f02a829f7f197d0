import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import {
  IconAdjustments, IconArrowLeft, IconArrowsMove, IconArrowsVertical, IconCircle, IconContrast2, IconContrastFilled, IconFlipHorizontal, IconFlipVertical,
  IconKeyboard, IconLayoutColumns, IconLayoutGrid, IconLayoutSidebar, IconPlayerPlay, IconPlayerStop, IconPointer, IconRectangle, IconRefresh, IconRotateClockwise2,
  IconRuler2, IconSend, IconSquare, IconTypography, IconZoom, type Icon,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Study } from '~/api/types';
import { personName } from '~/format/person';
import { LanguageSwitch } from '~/ui/LanguageSwitch';
import { usePatientWords } from '~/ui/usePatientWords';
import { keyOf, type ActionName, type Command } from '../model/keyMap';
import { presetsOf } from '../model/presets';
import type { Tool, ViewerState } from '../model/viewerState';
import { useKeyWords } from './useKeyWords';
import css from './toolbar.module.css';

interface Props {
  state: ViewerState;
  study: Study | null;
  modality: string;
  playing: boolean;
  maySend: boolean;
  run: (command: Command) => void;
}

const tools: readonly [Tool, Icon][] = [
  ['window', IconContrast2], ['scroll', IconArrowsVertical], ['zoom', IconZoom], ['pan', IconArrowsMove],
  ['length', IconRuler2], ['rectangle', IconRectangle], ['ellipse', IconCircle], ['probe', IconPointer],
];

const imageActions: readonly [ActionName, Icon][] = [
  ['invert', IconContrastFilled], ['flipHorizontal', IconFlipVertical], ['flipVertical', IconFlipHorizontal],
  ['rotateRight', IconRotateClockwise2], ['reset', IconRefresh],
];

const layouts: readonly [ActionName, ViewerState['layout'], Icon][] = [
  ['layout1', '1x1', IconSquare], ['layout2', '1x2', IconLayoutColumns], ['layout4', '2x2', IconLayoutGrid],
];

/** Everything the mouse can reach; each button names its key. */
export function Toolbar({ state, study, modality, playing, maySend, run }: Props) {
  const { t } = useTranslation();
  const action = (name: ActionName): Command => ({ kind: 'action', name });
  return (
    <header className={css.bar}>
      <Button name={t('viewer.back')} command={action('back')} icon={IconArrowLeft} run={run} />
      <Patient study={study} />
      <div className={css.group}>
        {tools.map(([tool, icon]) => (
          <Button key={tool} name={t(`viewer.tool.${tool}`)} command={{ kind: 'tool', tool }} icon={icon} pressed={state.tool === tool} run={run} />
        ))}
      </div>
      <div className={css.group}>
        <PresetMenu modality={modality} run={run} />
        {imageActions.map(([name, icon]) => <Button key={name} name={t(`viewer.action.${name}`)} command={action(name)} icon={icon} run={run} />)}
        <Button name={t('viewer.action.cine')} command={action('cine')} icon={playing ? IconPlayerStop : IconPlayerPlay} pressed={playing} run={run} />
      </div>
      <div className={css.group}>
        {layouts.map(([name, layout, icon]) => (
          <Button key={name} name={t(`viewer.action.${name}`)} command={action(name)} icon={icon} pressed={state.layout === layout} run={run} />
        ))}
      </div>
      <div className={css.group}>
        <Button name={t('viewer.action.strip')} command={action('strip')} icon={IconLayoutSidebar} pressed={state.strip} run={run} />
        <Button name={t('viewer.action.overlay')} command={action('overlay')} icon={IconTypography} pressed={state.overlays} run={run} />
        {maySend && <Button name={t('viewer.action.send')} command={action('send')} icon={IconSend} pressed={state.send} run={run} />}
        <Button name={t('viewer.action.help')} command={action('help')} icon={IconKeyboard} pressed={state.help} run={run} />
      </div>
      <LanguageSwitch />
    </header>
  );
}

function Patient({ study }: { study: Study | null }) {
  const { short } = usePatientWords();
  if (!study) return <span className={css.patient} />;
  return (
    <span className={css.patient}>
      <b>{personName(study.patient.name)}</b>
      <span>{[study.patient.id, short(study.patient)].filter(Boolean).join(' · ')}</span>
    </span>
  );
}

interface ButtonProps {
  name: string;
  command: Command;
  icon: Icon;
  pressed?: boolean;
  run: (command: Command) => void;
}

function Button({ name, command, icon: Drawing, pressed, run }: ButtonProps) {
  const words = useKeyWords();
  const key = keyOf(command);
  return (
    <Tooltip label={<>{name} {key && words(key).map((cap) => <kbd key={cap}>{cap}</kbd>)}</>}>
      <ActionIcon
        className={css.button ?? ''} data-pressed={pressed || undefined} aria-label={name} aria-pressed={pressed}
        onClick={(event) => {
          // Keys go to the image again at once; Space must not press the button a second time.
          event.currentTarget.blur();
          run(command);
        }}
      >
        <Drawing size={18} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}

function PresetMenu({ modality, run }: Pick<Props, 'modality' | 'run'>) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-start" returnFocus={false}>
      <Menu.Target>
        <ActionIcon className={css.button ?? ''} aria-label={t('viewer.group.windows')} title={t('viewer.group.windows')}><IconAdjustments size={18} stroke={1.6} /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {presetsOf(modality).map(({ name, digit, window }) => (
          <Menu.Item key={name} rightSection={<kbd>{digit}</kbd>} onClick={() => run({ kind: 'preset', digit })}>
            {t(`viewer.preset.${name}`)}
            {window.is === 'fixed' && <span className={css.figures}>{window.width} / {window.centre}</span>}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
