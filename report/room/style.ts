/**
 * The room's style, on top of what every page has.
 *
 * Owns its layout, and that what is tapped is large enough for a thumb. Colours are the page's own.
 */
import { CHARTS_STYLE } from '../game-day/charts.ts';
import { STYLE } from '../style.ts';

const ROOM = `
body{padding-bottom:96px}
header{padding-top:24px} .kicker{margin-bottom:10px} h1{font-size:30px}
.connection{font-size:14px;margin-top:6px} .connection.trouble{background:var(--bad-tint);border-radius:8px;padding:8px 12px;font-size:15px}
.said{margin-top:8px;font-size:15px} .said:not(:empty){background:var(--tint);color:var(--tone);font-weight:600;border-radius:8px;padding:10px 14px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
h2:focus{outline:none} h2:focus-visible{outline:2px solid var(--line);outline-offset:3px;border-radius:3px}
[data-part]:has(>section)>section{margin-top:20px}
.verdict .quiet{font-size:15px} .breach{margin-top:8px;background:var(--bad-tint);border-radius:8px;padding:8px 12px}
.current{margin-top:18px;border-top:1px solid var(--rule);padding-top:14px}
.current h3{font-size:21px;line-height:1.3} .expected{font-size:17px;max-width:44em;margin-top:4px}
.left{font-weight:650;color:var(--ink)} .left:not(:empty)::before{content:", ";font-weight:400}
.briefing{font:inherit;font-size:15.5px;margin-top:12px}

ul.rows,ol.plan,ol.happened{list-style:none;padding:0;margin:14px 0 0}
ul.rows>li{display:grid;grid-template-columns:8.6em 1fr auto;gap:4px 14px;align-items:start;padding:9px 0;border-top:1px solid var(--rule)}
ul.rows .mark{white-space:normal;align-items:flex-start;line-height:1.5} ul.rows .mark svg{width:16px;height:16px;margin-top:4px}
ul.rows small{display:block;color:var(--muted);font-size:13.5px} ul.rows form{grid-column:2/-1}
ul.rows>li.good,ul.rows>li.bad{background:linear-gradient(90deg,var(--tint),transparent 70%);box-shadow:inset 3px 0 var(--tone);padding-left:10px}

button,a.first{font:inherit;font-weight:600;font-size:16px;min-height:44px;padding:8px 18px;border-radius:8px;border:1px solid var(--rule-strong);background:var(--paper);color:var(--ink);cursor:pointer;
  text-decoration:none;display:inline-flex;align-items:center;touch-action:manipulation}
button:hover{border-color:var(--line)} button.first,a.first{background:var(--line);border-color:var(--line);color:var(--paper)}
button.stop{background:var(--bad);border-color:var(--bad);color:var(--paper)} button[disabled]{opacity:.55;cursor:wait}
button:focus-visible,input:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--line);outline-offset:2px}
.buttons{display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start;margin-top:16px} .buttons.day{border-top:1px solid var(--rule);padding-top:14px}
.actions{margin-top:16px;display:flex;flex-wrap:wrap;gap:10px 16px;align-items:center}
details.more{margin:0;border:0;padding:0} details.more>summary,ol.plan summary{min-height:44px;display:flex;align-items:center}
details.more>summary{border:1px solid var(--rule-strong);border-radius:8px;padding:8px 16px;font-size:15px;list-style:none} summary::-webkit-details-marker{display:none}
details.more[open]{flex-basis:100%} details.more[open]>summary{display:inline-flex}
form.line{display:flex;flex-wrap:wrap;gap:8px 10px;align-items:flex-end;margin-top:10px} .field{flex:1 1 14em;min-width:0}
.field label{display:block;font-size:14px;color:var(--muted);margin-bottom:3px}
input:not([type=hidden]){font:inherit;width:100%;min-height:44px;padding:8px 12px;border:1px solid var(--rule-strong);border-radius:8px;background:var(--page);color:var(--ink)}
ul.rows .buttons{margin-top:0}

.columns{display:grid;grid-template-columns:3fr 2fr;gap:0 20px} .columns>div{min-width:0}
ol.plan>li{border-top:1px solid var(--rule)} ol.plan details{border:0;margin:0;padding:2px 0} ol.plan summary{flex-wrap:wrap;gap:0 12px;justify-content:space-between}
ol.plan .what{font-weight:600} ol.plan li[aria-current]{box-shadow:inset 3px 0 var(--line);padding-left:10px} ol.plan ul.rows>li{grid-template-columns:1fr}
ol.plan .when{font-size:14px}
.roles div{padding:9px 0;border-top:1px solid var(--rule);display:grid;grid-template-columns:8.6em 1fr;gap:0 14px} .roles dt{color:var(--muted);font-size:14px;padding-top:2px}
.roles small{display:block;font-size:13.5px;color:var(--muted);font-weight:400}
ol.happened>li{padding:7px 0;border-top:1px solid var(--rule);font-size:14.5px} ol.happened time{color:var(--muted);margin-right:6px} ol.happened b{font-weight:600;margin-right:4px}
ol.happened>li.loud{background:var(--bad-tint);box-shadow:inset 3px 0 var(--bad);padding-left:10px}

.halt{position:fixed;inset:auto 0 0 0;background:var(--paper);border-top:1px solid var(--rule-strong);padding:8px max(16px,calc(50vw - 504px));z-index:2}
.halt details{margin:0;border:0;padding:0} .halt summary{list-style:none;padding:0;border-radius:10px}
.halt summary span{background:var(--bad);color:var(--paper);font-weight:700;font-size:18px;border-radius:10px;min-height:52px;display:flex;align-items:center;justify-content:center}
.halt summary .no,.halt details[open] summary .yes{display:none} .halt details[open] summary .no{display:flex;background:var(--paper);color:var(--ink);border:1px solid var(--rule-strong);font-size:16px}
.halt form{position:absolute;inset:auto 0 100% 0;margin:0;background:var(--paper);border-top:1px solid var(--rule-strong);padding:12px max(16px,calc(50vw - 504px))}
.halt p.quiet{font-size:14px;padding:4px 0}

@media screen and (max-width:760px){
  .columns{grid-template-columns:1fr} h1{font-size:24px}
  ul.rows>li{grid-template-columns:1fr} ul.rows form{grid-column:1/-1} .roles div{grid-template-columns:8em 1fr}
  .buttons>form,.buttons>form button,.buttons>details,details.more>summary{width:100%} .buttons>form button,details.more>summary{justify-content:center}
  form.line button{flex:1 1 100%;justify-content:center} form.line .buttons{flex:1 1 100%} form.line .buttons button{flex:1 1 40%}
}
@media (prefers-reduced-motion:no-preference){ ul.rows>li{transition:background .3s} }
`;

/** The whole style sheet. */
export const ROOM_STYLE = STYLE + CHARTS_STYLE + ROOM;
