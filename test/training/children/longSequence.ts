/** Run as a process of its own: trains over 10,000 steps with recomputation and prints what memory that took. */
import { adam, dense, lstm, sequential, squaredError, Trainer } from '../../../lib/index.ts';

const [rows, steps] = [8, 10_000];
const wave = (shift: number, width: number): Float32Array => Float32Array.from({ length: rows * steps * width }, (_, i) => Math.sin(Math.floor(i / width) * 0.7 + shift));
const batch = { input: { data: wave(0, 2), shape: [rows, steps, 2] }, target: { data: wave(0.2, 1), shape: [rows, steps, 1] } };
const model = sequential([lstm({ units: 256 }), dense({ units: 1 })], { input: { features: 2 }, seed: 1 });
const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam({ learningRate: 0.003 }), recomputation: process.argv[2] !== 'without' });
const { loss, gradientNorm } = await trainer.step(batch);
console.log(JSON.stringify({ megabytes: process.resourceUsage().maxRSS / 1024, workingMegabytes: trainer.workingBytes / 2 ** 20, loss, gradientNorm }));
