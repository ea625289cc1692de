/**
 * Charts: one probe over time, as SVG.
 *
 * Owns the drawing, by ECharts on the server side. Colours are the page's CSS variables, so that a chart follows light,
 * dark and paper without being drawn again. Must never join two samples across a gap.
 */
import { LineChart } from 'echarts/charts';
import type { LineSeriesOption } from 'echarts/charts';
import { GridComponent, MarkAreaComponent, MarkLineComponent } from 'echarts/components';
import type { GridComponentOption, MarkAreaComponentOption, MarkLineComponentOption } from 'echarts/components';
import { init, use } from 'echarts/core';
import type { ComposeOption } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Dimension } from '../domain/quantity.ts';
import { downsample } from '../domain/samples.ts';
import type { Point } from '../domain/samples.ts';
import { formatQuantity } from '../domain/units.ts';
import type { Backdrop, Moment, Shade } from './backdrop.ts';
import { scaleOf } from './scale.ts';
import type { Scale } from './scale.ts';
import { Markup } from './markup.ts';
import type { Threshold } from './thresholds.ts';
import { axisTime } from './words.ts';

use([LineChart, GridComponent, MarkAreaComponent, MarkLineComponent, SVGRenderer]);

type Option = ComposeOption<LineSeriesOption | GridComponentOption | MarkAreaComponentOption | MarkLineComponentOption>;
type Area = NonNullable<NonNullable<LineSeriesOption['markArea']>['data']>[number];
type Line = NonNullable<NonNullable<LineSeriesOption['markLine']>['data']>[number];

/** What is drawn. */
export interface Chart {
  readonly points: readonly Point[];
  readonly dimension: Dimension;
  /** A number that stays until it changes, such as targets under fault, is drawn in steps and filled. */
  readonly steps: boolean;
  readonly thresholds: readonly Threshold[];
  readonly backdrop: Backdrop;
}

/** A width to draw for, in CSS pixels; the SVG scales from there. */
export interface Canvas {
  readonly width: number;
  /** Without the rows above the plot. */
  readonly height: number;
  /** Room to the right of the plot for what its thresholds are, in pixels. */
  readonly gutter: number;
  /** The most points that this width can show. */
  readonly maxPoints: number;
}

/** For screens and paper. */
export const WIDE: Canvas = { width: 960, height: 168, gutter: 74, maxPoints: 640 };
/** For phones. */
export const NARROW: Canvas = { width: 350, height: 158, gutter: 60, maxPoints: 240 };

const FONT_PX = 12;
const GRID = { left: 58, bottom: 26 };
/** Above the plot, a row for the stages, and over it one for the abort where there is one. */
const TOP_PX = { stages: 24, abort: 38 };
/** From one threshold's label to the next, in pixels, at least. */
const LABEL_PX = 14;
/** Width of a character of a label, in pixels, at most. */
const CHARACTER_PX = 7;

/** The chart as an inline SVG that fits its container. `id` is unique on the page. */
export function drawChart(chart: Chart, canvas: Canvas, id: string): Markup {
  const fitted = { ...canvas, height: canvas.height + topOf(chart.backdrop) };
  const drawing = init(null, null, { renderer: 'svg', ssr: true, width: fitted.width, height: fitted.height });
  try {
    drawing.setOption(optionOf(chart, fitted));
    return inline(drawing.renderToSVGString(), fitted, id);
  } finally {
    drawing.dispose();
  }
}

function optionOf({ points, dimension, steps, thresholds, backdrop }: Chart, canvas: Canvas): Option {
  const shown = downsample(points, canvas.maxPoints);
  const scale = scaleOf(points, thresholds, dimension);
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontSize: FONT_PX, color: 'var(--muted)' },
    grid: { ...GRID, top: topOf(backdrop), right: canvas.gutter, outerBoundsMode: 'none' },
    ...axesOf(backdrop, scale, dimension, canvas),
    series: [
      {
        type: 'line',
        silent: true,
        data: shown.map(([atMs, value], i) => ({ value: [atMs, value ?? '-'], ...(isAlone(shown, i) ? DOT : NO_DOT) })),
        connectNulls: false,
        step: steps ? 'end' : false,
        lineStyle: { color: 'var(--line)', width: 1.6, join: 'round' },
        itemStyle: { color: 'var(--line)' },
        ...(steps ? { areaStyle: { color: 'var(--line)', opacity: 0.16 } } : {}),
        markArea: { silent: true, data: backdrop.shades.map((shade) => areaOf(shade, backdrop, canvas)) },
        markLine: {
          silent: true,
          symbol: 'none',
          data: [
            ...thresholdLines(thresholds, scale, canvas.height - topOf(backdrop) - GRID.bottom),
            ...(backdrop.moments ?? []).map(momentLine),
            ...abortLine(backdrop),
          ],
        },
      },
    ],
  };
}

function topOf({ abortAtMs }: Backdrop): number {
  return abortAtMs === null ? TOP_PX.stages : TOP_PX.abort;
}

/** A sample between two gaps has no line to be seen by. */
const DOT = { symbol: 'circle', symbolSize: 4 };
const NO_DOT = { symbol: 'none' };

function isAlone(points: readonly Point[], i: number): boolean {
  return (points[i - 1]?.[1] ?? null) === null && (points[i + 1]?.[1] ?? null) === null;
}

function axesOf(
  backdrop: Backdrop,
  scale: Scale,
  dimension: Dimension,
  canvas: Canvas,
): Pick<Option, 'xAxis' | 'yAxis'> {
  const spanMs = backdrop.toMs - backdrop.fromMs;
  return {
    xAxis: {
      type: 'time',
      min: backdrop.fromMs,
      max: backdrop.toMs,
      splitNumber: Math.max(2, Math.floor(canvas.width / 130)),
      axisLine: { lineStyle: { color: 'var(--rule-strong)' } },
      axisTick: { lineStyle: { color: 'var(--rule-strong)' } },
      splitLine: { show: false },
      axisLabel: {
        color: 'var(--muted)',
        fontSize: FONT_PX,
        hideOverlap: true,
        showMinLabel: false,
        showMaxLabel: false,
        formatter: (atMs: number) => axisTime(atMs, spanMs),
      },
    },
    yAxis: {
      type: 'value',
      min: scale.min,
      max: scale.max,
      interval: scale.interval,
      splitLine: { lineStyle: { color: 'var(--rule)' } },
      axisLabel: {
        color: 'var(--muted)',
        fontSize: FONT_PX,
        formatter: (value: number) => formatQuantity(value, dimension),
      },
    },
  };
}

function areaOf(shade: Shade, { fromMs, toMs }: Backdrop, canvas: Canvas): Area {
  const px = ((shade.toMs - shade.fromMs) / (toMs - fromMs)) * (canvas.width - GRID.left - canvas.gutter);
  const fits = (label: string): boolean => px > label.length * CHARACTER_PX + 4;
  return [
    {
      xAxis: shade.fromMs,
      name: [shade.label, shade.short ?? ''].find(fits) ?? '',
      itemStyle: {
        color: `var(--shade-${shade.kind})`,
        opacity: shade.kind === 'stage' ? 0.35 + 0.65 * shade.depth : 1,
      },
      label: { position: 'top', distance: 6, color: 'var(--muted)', fontSize: FONT_PX, textBorderWidth: 0 },
    },
    { xAxis: shade.toMs },
  ];
}

/** The thresholds that are on the scale, their labels moved apart where the lines are too near. */
function thresholdLines(thresholds: readonly Threshold[], { min, max }: Scale, plotPx: number): Line[] {
  const shown = thresholds
    .filter(({ value }) => value <= max && value >= min)
    .map((threshold) => ({ threshold, linePx: ((max - threshold.value) / (max - min)) * plotPx }))
    .sort((a, b) => a.linePx - b.linePx);
  const lowestPx = (i: number): number => plotPx + LABEL_PX / 2 - (shown.length - 1 - i) * LABEL_PX;
  let lastPx = -Infinity;
  return shown.map(({ threshold, linePx }, i) => {
    lastPx = Math.max(lastPx + LABEL_PX, Math.min(linePx, lowestPx(i)));
    return thresholdLine(threshold, lastPx - linePx);
  });
}

function thresholdLine({ kind, value, label }: Threshold, movePx: number): Line {
  const color = kind === 'abort' ? 'var(--bad)' : 'var(--good)';
  return {
    yAxis: value,
    lineStyle: { color, width: 1.2, type: kind === 'abort' ? 'solid' : [5, 4] },
    label: {
      formatter: label,
      position: 'end',
      distance: 6,
      offset: [0, movePx],
      color,
      fontSize: FONT_PX,
      fontWeight: kind === 'abort' ? 'bold' : 'normal',
    },
  };
}

function momentLine({ kind, atMs }: Moment): Line {
  const color = kind === 'fault' ? 'var(--calm)' : 'var(--warn)';
  return {
    xAxis: atMs,
    lineStyle: { color, width: 1.4, type: kind === 'fault' ? [6, 3] : [2, 3] },
    label: { show: false },
  };
}

function abortLine({ abortAtMs }: Backdrop): Line[] {
  if (abortAtMs === null) return [];
  return [
    {
      xAxis: abortAtMs,
      lineStyle: { color: 'var(--bad)', width: 2, type: 'solid' },
      label: {
        formatter: '▼ abort',
        position: 'end',
        distance: 18,
        color: 'var(--bad)',
        fontSize: FONT_PX,
        fontWeight: 'bold',
        textBorderColor: 'var(--paper)',
        textBorderWidth: 4,
      },
    },
  ];
}

/** Takes out what only an interactive chart needs, and makes ids the page's own. */
function inline(svg: string, { width, height }: Canvas, id: string): Markup {
  const body = svg
    .slice(svg.indexOf('>') + 1, svg.lastIndexOf('</svg>'))
    .replace(/<style\s*>[\s\S]*?<\/style>/g, '')
    .replace(/ (?:class="zr[\w-]*"|ecmeta_\w+="[^"]*"|pointer-events="\w+"|xml:space="preserve")/g, '')
    .replace(/(id="|url\(#)zr\d+-/g, `$1${id}-`);
  return new Markup(`<svg viewBox="0 0 ${width} ${height}" aria-hidden="true" focusable="false">${body}</svg>`);
}
