// Words and colours of states, from services/dashboards/palette.py. Made by `make generate`.

export const SEVERITY = {
  "I": {"zh": "I 级（红）", "en": "I red", "light": "#E02F44", "dark": "#F2495C"},
  "II": {"zh": "II 级（橙）", "en": "II orange", "light": "#FF780A", "dark": "#FF9830"},
  "III": {"zh": "III 级（黄）", "en": "III yellow", "light": "#F2CC0C", "dark": "#FADE2A"},
  "IV": {"zh": "IV 级（蓝）", "en": "IV blue", "light": "#3274D9", "dark": "#5794F2"},
} as const;

export const STATUS = {
  "met": {"zh": "达标", "en": "met", "light": "#56A64B", "dark": "#73BF69"},
  "not_met": {"zh": "未达标", "en": "not met", "light": "#E02F44", "dark": "#F2495C"},
  "cannot_say": {"zh": "无法判定", "en": "cannot say", "light": "#808080", "dark": "#808080"},
} as const;

export const FEED = {
  "ev": {"zh": "充电桩", "en": "EV charging", "light": "#A352CC", "dark": "#B877D9"},
  "water": {"zh": "湖泊水质", "en": "water", "light": "#4E9FE5", "dark": "#4E9FE5"},
  "parking": {"zh": "停车", "en": "parking", "light": "#B877D9", "dark": "#B877D9"},
  "emergency": {"zh": "医疗急救", "en": "emergency", "light": "#F2495C", "dark": "#F2495C"},
  "tax": {"zh": "楼宇税收", "en": "tax", "light": "#FADE2A", "dark": "#FADE2A"},
  "unknown": {"zh": "未知", "en": "unknown", "light": "#808080", "dark": "#808080"},
} as const;

export const WATER_CLASS = {
  "1": {"zh": "Ⅰ类", "en": "I", "light": "#3274D9", "dark": "#3274D9"},
  "2": {"zh": "Ⅱ类", "en": "II", "light": "#56A64B", "dark": "#56A64B"},
  "3": {"zh": "Ⅲ类", "en": "III", "light": "#96D98D", "dark": "#96D98D"},
  "4": {"zh": "Ⅳ类", "en": "IV", "light": "#F2CC0C", "dark": "#F2CC0C"},
  "5": {"zh": "Ⅴ类", "en": "V", "light": "#FF780A", "dark": "#FF780A"},
  "6": {"zh": "劣Ⅴ类", "en": "worse than V", "light": "#C4162A", "dark": "#C4162A"},
} as const;
