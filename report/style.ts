/**
 * The page's style: light, dark and paper, from one set of variables.
 *
 * Owns every colour. Each pair of text and ground keeps a contrast of at least 4.5 to 1 in both schemes (a test measures
 * it); what a colour says is always said by a word or a mark as well.
 */

const LIGHT = `
--page:#f4f5f6; --paper:#ffffff; --ink:#1b2430; --muted:#5a6573; --rule:#e6e9ec; --rule-strong:#b9c1c9;
--line:#1f5f99; --good:#1c7148; --bad:#b42d22; --warn:#8a5a00; --calm:#3f5f86;
--good-tint:#eaf5ef; --bad-tint:#fcefed; --warn-tint:#fbf3e2; --calm-tint:#edf2f8;
--shade-stage:#dfe7f1; --shade-rollback:#f6dfc0; --shade-recovery:#d9eee1;`;

const DARK = `
--page:#0f1317; --paper:#171c22; --ink:#e6eaee; --muted:#9ba7b4; --rule:#262d35; --rule-strong:#4a545f;
--line:#74b3ec; --good:#6cc795; --bad:#ff8d80; --warn:#e6b455; --calm:#9dbbe0;
--good-tint:#14281e; --bad-tint:#321a18; --warn-tint:#2d2412; --calm-tint:#18222f;
--shade-stage:#243447; --shade-rollback:#4a381d; --shade-recovery:#1b3a2a;`;

/** The whole style sheet. */
export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;overflow-wrap:anywhere;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
  font-variant-numeric:tabular-nums}
main,header,footer{max-width:1040px;margin:0 auto;padding:0 32px}
header{padding-top:40px}
h1,h2,h3,p,dl,dd,figure,table,ol{margin:0}
h1{font-size:34px;line-height:1.2;letter-spacing:-.015em;font-weight:650}
h2{font-size:20px;line-height:1.3;letter-spacing:-.01em;font-weight:650;margin-bottom:4px}
h3{font-size:15px;font-weight:650}
code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.88em}
.kicker{display:flex;flex-wrap:wrap;gap:4px 20px;justify-content:space-between;color:var(--muted);font-size:14px;margin-bottom:22px}
.hypothesis{margin-top:10px;font-size:19px;line-height:1.45;color:var(--muted);max-width:44em}
section{background:var(--paper);border:1px solid var(--rule);border-radius:12px;padding:26px 28px;margin-top:20px}
.note{color:var(--muted);font-size:14.5px;max-width:52em;margin-bottom:16px}

.verdict{margin-top:28px;border-left:6px solid var(--tone)}
.good{--tone:var(--good);--tint:var(--good-tint)} .bad{--tone:var(--bad);--tint:var(--bad-tint)}
.warn{--tone:var(--warn);--tint:var(--warn-tint)} .calm{--tone:var(--calm);--tint:var(--calm-tint)}
.verdict h2{display:flex;align-items:center;gap:12px;font-size:26px;color:var(--tone);margin-bottom:8px}
.verdict h2 svg{flex:none;width:30px;height:30px}
.verdict .sentence{font-size:19px;line-height:1.5;max-width:46em}
.axes{display:grid;grid-template-columns:1fr 1fr;gap:12px;margin-top:20px}
.axes div{background:var(--tint);border-radius:8px;padding:12px 16px}
.axes dt{font-size:14px;color:var(--muted)} .axes dd{font-size:17px} .axes .mark{font-weight:650;gap:8px} .axes .mark svg{width:17px;height:17px}

.facts{display:grid;grid-template-columns:repeat(4,1fr);gap:22px 28px}
.facts dt{font-size:13.5px;color:var(--muted);margin-bottom:2px}
.facts dd{font-size:19px;line-height:1.3;font-weight:600}
.facts dd small{display:block;font-size:13.5px;font-weight:400;color:var(--muted);margin-top:3px}

.legend{display:flex;flex-wrap:wrap;gap:6px 20px;list-style:none;padding:0;margin:0 0 18px;font-size:13.5px;color:var(--muted)}
.legend li{display:flex;align-items:center;gap:8px}
.swatch{width:22px;height:12px;border-radius:3px;flex:none;display:block}
.swatch.stage{background:linear-gradient(90deg,color-mix(in srgb,var(--shade-stage) 35%,var(--paper)),var(--shade-stage));border:1px solid var(--rule-strong)}
.swatch.rollback{background:var(--shade-rollback)} .swatch.recovery{background:var(--shade-recovery)}
.swatch.steady{height:0;border-top:2px dashed var(--good);border-radius:0} .swatch.limit{height:0;border-top:2px solid var(--bad);border-radius:0}
.swatch.moment{width:0;height:16px;border-left:3px solid var(--bad);border-radius:0}
figure{padding:14px 0 2px;break-inside:avoid}
figure+figure{border-top:1px solid var(--rule)}
figcaption{display:flex;flex-wrap:wrap;gap:0 16px;align-items:baseline;justify-content:space-between;margin-bottom:6px}
figcaption p{font-size:13.5px;color:var(--muted)}
.chart svg{display:block;width:100%;height:auto} .chart text{font-family:inherit!important}
.chart.narrow{display:none}

.scroll{overflow-x:auto;margin:0 -4px;padding:0 4px}
table{border-collapse:collapse;width:100%;font-size:14.5px}
caption{text-align:left;color:var(--muted);font-size:14px;padding-bottom:8px}
th{font-weight:600;text-align:left;color:var(--muted);font-size:13px}
th,td{padding:8px 14px 8px 0;border-bottom:1px solid var(--rule);vertical-align:top}
tbody th{color:var(--ink);font-size:14.5px} tbody.group th[colspan]{color:var(--muted);font-size:13px;padding-top:16px}
tr:last-child>td,tr:last-child>th{border-bottom-color:transparent}
.num{text-align:right;white-space:nowrap} .nowrap{white-space:nowrap}
.quiet{color:var(--muted);font-weight:400}
.mark{display:inline-flex;align-items:center;gap:6px;white-space:nowrap;vertical-align:bottom;color:var(--tone)} .mark svg{width:14px;height:14px;flex:none}
.mark.bad{font-weight:600}
tr.loud td{background:var(--bad-tint)} tr.loud td:first-child{box-shadow:inset 3px 0 var(--bad);padding-left:10px} tr.loud td:nth-child(3){font-weight:650}

details{margin-top:8px;border-top:1px solid var(--rule);padding-top:8px} details:first-of-type{margin-top:18px}
summary{cursor:pointer;font-size:14.5px;padding:4px 0} summary:focus-visible{outline:2px solid var(--line);outline-offset:3px;border-radius:3px}
.targets{columns:2;column-gap:28px;list-style:none;padding:6px 0 4px;font-size:13.5px} .targets li{break-inside:avoid}
pre{margin:8px 0 0;padding:14px 16px;background:var(--page);border-radius:8px;overflow-x:auto;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;
  white-space:pre-wrap}
.provenance{display:grid;grid-template-columns:max-content 1fr;gap:6px 24px;font-size:14.5px}
.provenance dt{color:var(--muted)}
footer{color:var(--muted);font-size:13.5px;padding-top:18px;padding-bottom:44px}

@media screen and (max-width:760px){
  main,header,footer{padding-left:16px;padding-right:16px} header{padding-top:24px}
  h1{font-size:27px} .hypothesis,.verdict .sentence{font-size:17px} .verdict h2{font-size:23px}
  section{padding:20px 16px;border-radius:10px;margin-top:14px}
  .axes{grid-template-columns:1fr} .facts{grid-template-columns:1fr 1fr;gap:18px} .facts dd{font-size:17px}
  .targets{columns:1} .provenance{grid-template-columns:1fr;gap:0} .provenance dd{margin-bottom:10px}
  .chart.wide{display:none} .chart.narrow{display:block}
  table.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
  table.cards,table.cards tbody,table.cards tr,table.cards td,table.cards tbody th{display:block;text-align:left;white-space:normal}
  table.cards tr{padding:10px 0;border-bottom:1px solid var(--rule)} table.cards tr:last-child{border-bottom:0}
  table.cards td,table.cards tbody th{border:0;padding:2px 0}
  table.cards td[data-label]{display:flex;gap:12px;justify-content:space-between}
  table.cards td[data-label]::before{content:attr(data-label);color:var(--muted);flex:none}
  table.cards td[data-label]>*{text-align:right;min-width:0} 
  table.story tr{display:grid;grid-template-columns:76px 1fr;gap:0 12px} table.story td{padding:0!important} table.story td:nth-child(3){grid-area:1/2;font-weight:600}
  table.story td:nth-child(2){grid-area:2/1;text-align:left} table.story td:nth-child(4){grid-area:2/2}
  table.story tr.loud{background:var(--bad-tint);box-shadow:inset 3px 0 var(--bad);padding-left:12px} tr.loud td:first-child{box-shadow:none}
  table.stages tr{display:grid;grid-template-columns:1fr 1fr;gap:2px 24px} table.stages th,table.stages td:not([data-label]),table.stages td:last-child{grid-column:1/-1}
  table.checks tr{display:grid;grid-template-columns:1fr auto;gap:2px 12px} table.checks td:last-child{grid-column:1/-1}
}
@media print{
  @page{margin:14mm}
  body{background:none;font-size:11pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
  main,header,footer{max-width:none;padding:0} header{padding-top:0}
  section{border:0;border-radius:0;padding:0;margin-top:22pt} .verdict{padding:4pt 0 4pt 14pt;border-left:6px solid var(--tone)}
  h2{break-after:avoid} tr,dl.facts>div,.axes div{break-inside:avoid} thead{display:table-header-group}
  h1{font-size:24pt} .verdict .sentence,.hypothesis{font-size:13pt} .facts{grid-template-columns:repeat(4,1fr);gap:12pt} .facts dd{font-size:12.5pt}
  details:not([open]){display:none} .scroll{overflow:visible} table{font-size:9.5pt} .chart.narrow{display:none} .chart.wide{display:block}
}
`;
