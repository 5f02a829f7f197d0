import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const sources = fileURLToPath(new URL('./src', import.meta.url));
const packages = fileURLToPath(new URL('./node_modules', import.meta.url));

/** Puts `.br` and `.gz` beside everything worth compressing, so that the server only picks one. */
function precompress(): Plugin {
  let folder = '';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        const path = join(folder, name);
        if (!/\.(js|css|html|svg|wasm)$/.test(name) || statSync(path).size < 1024) continue;
        const bytes = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
      }
    },
  };
}

// In development the pages come from Vite and the data from a running `sen`.
const server = process.env['SEN_DEV_SERVER'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react(), precompress()],
  resolve: {
    alias: [
      { find: '~', replacement: sources },
      // vtk.js reaches xmlbuilder2, which asks for Node's `events` and `url`; without these two the
      // bundle builds and then dies on load ("Class extends value undefined").
      { find: /^events$/, replacement: join(packages, 'events/events.js') },
      { find: /^url$/, replacement: join(packages, 'url/url.js') },
    ],
  },
  // The decoders are module workers that import WebAssembly next to themselves.
  worker: { format: 'es' },
  optimizeDeps: { exclude: ['@cornerstonejs/dicom-image-loader'], include: ['dicom-parser'] },
  build: {
    target: 'es2023',
    sourcemap: false,
    // The viewer is one large lazy chunk by nature (cornerstone and vtk.js).
    chunkSizeWarningLimit: 6000,
  },
  server: { proxy: { '/api': server, '/dicomweb': server } },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'] },
});
