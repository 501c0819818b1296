// SPDX-License-Identifier: Apache-2.0
import '@xterm/xterm/css/xterm.css';
import './style/fonts.css';
import './style/base.css';
import './style/controls.css';
import './style/login.css';
import './style/workspace.css';
import './style/pages.css';
import './style/recordings.css';
import './style/wall.css';
import { render } from 'preact';
import { startApp } from './store/app';
import { App } from './ui/app';

startApp();
render(<App />, document.getElementById('app')!);
