// Times, ages and figures for people. Pure: the time is an argument.

export type Language = 'zh' | 'en';

const ZONE = 'Asia/Shanghai'; // the district's clock, wherever the screen is
const LOCALES: Record<Language, string> = { zh: 'zh-CN', en: 'en-GB' };

/** How long something has lasted, in its two largest units: `2 d 4 h`, `12 min`, `8 s`. */
export function age(fromMs: number, nowMs: number, language: Language): string {
  const seconds = Math.max(0, Math.floor((nowMs - fromMs) / 1000));
  const units: [number, string, string][] = [
    [86_400, '天', 'd'],
    [3_600, '小时', 'h'],
    [60, '分', 'min'],
    [1, '秒', 's'],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return language === 'zh' ? '0 秒' : '0 s';
  const parts: string[] = [];
  let rest = seconds;
  for (const [size, zh, en] of units.slice(first, first === 0 ? 2 : first + (seconds >= 3_600 ? 2 : 1))) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole > 0) parts.push(`${whole} ${language === 'zh' ? zh : en}`);
  }
  return parts.join(' ');
}

export function clock(time: string | number, language: Language, seconds = true): string {
  return formatter(language, { hour: '2-digit', minute: '2-digit', ...(seconds ? { second: '2-digit' } : {}) }).format(
    new Date(time),
  );
}

export function dayAndClock(time: string | number, language: Language): string {
  return formatter(language, { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' }).format(new Date(time));
}

export function fullTime(time: string | number, language: Language): string {
  return formatter(language, {
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  }).format(new Date(time));
}

/** Today's times need no day. */
export function briefTime(time: string, nowMs: number, language: Language): string {
  const day = (value: string | number): string => formatter('en', { year: 'numeric', month: '2-digit', day: '2-digit' }).format(new Date(value));
  return day(time) === day(nowMs) ? clock(time, language) : dayAndClock(time, language);
}

export function figure(value: number | null | undefined, language: Language, decimals?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const most = decimals ?? (size >= 1_000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3);
  return new Intl.NumberFormat(LOCALES[language], { maximumFractionDigits: most }).format(value);
}

export function percent(share: number | null | undefined, language: Language): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return '–';
  return new Intl.NumberFormat(LOCALES[language], { style: 'percent', maximumFractionDigits: 1 }).format(share);
}

const SIGNS: Record<string, string> = { '<=': '≤', '>=': '≥', '<': '<', '>': '>' };

/** A limit as it is written: `≤ 6`. */
export function bound(comparator: string, value: number | null, language: Language): string {
  return `${SIGNS[comparator] ?? comparator} ${figure(value, language)}`;
}

/** What a datetime-local field holds for a moment, by the district's clock (UTC+8, no summer time). */
export function toLocalField(ms: number): string {
  return new Date(ms + 8 * 3_600_000).toISOString().slice(0, 16);
}

export function fromLocalField(text: string): number | null {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) ? Date.parse(`${text}:00Z`) : Number.NaN;
  return Number.isFinite(ms) ? ms - 8 * 3_600_000 : null;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language}${JSON.stringify(options)}`;
  let found = formatters.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(LOCALES[language], { ...options, hour12: false, timeZone: ZONE });
    formatters.set(key, found);
  }
  return found;
}
