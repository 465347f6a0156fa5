// info.ts: what the native build says of itself.
import { loadNative } from '../../../lib/runtime/index.ts';

const native = loadNative();
console.log(JSON.stringify('module' in native ? native.module.info() : { error: native.error.message }));
