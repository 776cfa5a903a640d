// Words and colours of states, from services/dashboards/palette.py. Made by `make generate`.

export const SEVERITY = {
  "I": {"zh": "I 级（红）", "en": "I red", "colour": "#BE1634"},
  "II": {"zh": "II 级（橙）", "en": "II orange", "colour": "#E47600"},
  "III": {"zh": "III 级（黄）", "en": "III yellow", "colour": "#F9E832"},
  "IV": {"zh": "IV 级（蓝）", "en": "IV blue", "colour": "#2F6FD0"},
} as const;

export const ASSET_STATE = {
  "I": {"zh": "I 级（红）", "en": "I red", "colour": "#BE1634"},
  "II": {"zh": "II 级（橙）", "en": "II orange", "colour": "#E47600"},
  "III": {"zh": "III 级（黄）", "en": "III yellow", "colour": "#F9E832"},
  "IV": {"zh": "IV 级（蓝）", "en": "IV blue", "colour": "#2F6FD0"},
  "ok": {"zh": "正常", "en": "no alert", "colour": "#63C58A"},
  "unseen": {"zh": "尚无数据", "en": "never heard", "colour": "#828686"},
} as const;

export const STATUS = {
  "met": {"zh": "达标", "en": "met", "colour": "#63C58A"},
  "not_met": {"zh": "未达标", "en": "not met", "colour": "#BE1634"},
  "cannot_say": {"zh": "无法判定", "en": "cannot say", "colour": "#828686"},
} as const;

export const TARGET_STANDING = {
  "missed": {"zh": "未完成", "en": "missed", "colour": "#BE1634"},
  "behind": {"zh": "落后于进度", "en": "behind", "colour": "#E47600"},
  "cannot_say": {"zh": "无法判定", "en": "cannot say", "colour": "#828686"},
  "on_track": {"zh": "按进度", "en": "on track", "colour": "#2F6FD0"},
  "met": {"zh": "已完成", "en": "met", "colour": "#63C58A"},
} as const;

export const FEED = {
  "ev": {"zh": "充电桩", "en": "EV charging", "colour": "#A24ECF"},
  "water": {"zh": "湖泊水质", "en": "water", "colour": "#07B1AC"},
  "parking": {"zh": "停车", "en": "parking", "colour": "#784B20"},
  "emergency": {"zh": "医疗急救", "en": "emergency", "colour": "#E0769F"},
  "tax": {"zh": "楼宇税收", "en": "tax", "colour": "#9A9D53"},
  "unknown": {"zh": "未知", "en": "unknown", "colour": "#7B7A79"},
} as const;

export const WATER_CLASS = {
  "1": {"zh": "Ⅰ类", "en": "I", "colour": "#153DA3"},
  "2": {"zh": "Ⅱ类", "en": "II", "colour": "#8BBCFF"},
  "3": {"zh": "Ⅲ类", "en": "III", "colour": "#387B4B"},
  "4": {"zh": "Ⅳ类", "en": "IV", "colour": "#FFE267"},
  "5": {"zh": "Ⅴ类", "en": "V", "colour": "#FA801E"},
  "6": {"zh": "劣Ⅴ类", "en": "worse than V", "colour": "#A50000"},
} as const;
