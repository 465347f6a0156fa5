// Writes a folder at the place given and prints what came of it.
import { writeFolder } from '../../../lib/formats/atomicFolder.ts';

const outcome = await writeFolder(process.argv[2]!, { 'model.json': '{}' }).then(() => 'written', (error: { code: string; message: string }) => `${error.code}: ${error.message}`);
console.log(JSON.stringify({ outcome }));
