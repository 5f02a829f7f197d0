/** Builds the page of another viewer's loader into a folder, made as the product's own pages are: `tsx build.ts FOLDER`. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import config from '../../vite.config';
import { place } from './place';

const folder = process.argv[2];
if (!folder) throw new Error('the folder to build into is not named: tsx e2e/loader/build.ts FOLDER');
await build({
  configFile: false,
  logLevel: 'error',
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: place,
  resolve: config.resolve ?? {},
  worker: { format: 'es' },
  build: { target: 'es2023', outDir: folder, emptyOutDir: true, minify: false, chunkSizeWarningLimit: 20_000 },
});
