import { Button } from '@mantine/core';
import i18next from 'i18next';
import { Component, type ErrorInfo, type ReactNode } from 'react';
import css from './Shell.module.css';

/** What is left when drawing the page failed: the reason for the console, a way on for the person. */
export class CrashScreen extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false };

  static getDerivedStateFromError(): { crashed: boolean } {
    return { crashed: true };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    if (!this.state.crashed) return this.props.children;
    return (
      <div className={css.middle} role="alert">
        <p>{i18next.t('state.broken')}</p>
        <Button onClick={() => window.location.reload()}>{i18next.t('state.reload')}</Button>
      </div>
    );
  }
}
