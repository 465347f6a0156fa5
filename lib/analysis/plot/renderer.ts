import { BpttError } from '../../errors.ts';

/** The parts of Apache ECharts that plots are drawn with. */
interface Library {
  init: (element: null, theme: null, options: { renderer: 'svg'; ssr: true; width: number; height: number }) => {
    setOption(option: object): void;
    renderToSVGString(): string;
    dispose(): void;
  };
}

/** Size of a drawing in pixels. */
export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

let library: Promise<Library> | undefined;

async function load(): Promise<Library> {
  try {
    const [core, charts, components, renderers] = await Promise.all([import('echarts/core'), import('echarts/charts'), import('echarts/components'), import('echarts/renderers')]);
    const { GridComponent, LegendComponent, TitleComponent, VisualMapComponent } = components;
    core.use([charts.LineChart, charts.ScatterChart, charts.HeatmapChart, GridComponent, LegendComponent, TitleComponent, VisualMapComponent, renderers.SVGRenderer]);
    return core;
  } catch (cause) {
    throw new BpttError('ERR_BPTT_RUNTIME', 'plots are drawn by the package "echarts" (6.1 or later), which does not load; install it beside this one: npm install echarts',
      { expected: 'echarts', received: (cause as Error).message, cause });
  }
}

/** What the library numbers from one drawing to the next (ids, and classes for pointers that hover) made the same for the same drawing. */
function withoutCounters(svg: string): string {
  const ids = new Map<string, string>();
  const rename = (id: string): string => {
    const known = ids.get(id) ?? `part-${ids.size}`;
    ids.set(id, known);
    return known;
  };
  return svg
    .replace(/<style\b[^>]*>[\s\S]*?<\/style>\n?/g, '')
    .replace(/ class="zr[\w-]*"/g, '')
    .replace(/ id="(zr[\w-]*)"/g, (_, id: string) => ` id="${rename(id)}"`)
    .replace(/url\(#(zr[\w-]*)\)/g, (_, id: string) => `url(#${rename(id)})`);
}

/**
 * Draws a chart that ECharts describes as SVG text; the same description gives the same text.
 * @throws ERR_BPTT_RUNTIME when the package "echarts" is not installed.
 */
export async function render(description: object, { width, height }: PlotSize): Promise<string> {
  library ??= load();
  const { init } = await library.catch((error: unknown) => {
    library = undefined;
    throw error;
  });
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, backgroundColor: '#ffffff', ...description });
    return withoutCounters(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}
