"""Words for the codes that readings, letters and documents carry: what people read instead of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from services.dashboards.palette import Shown
from services.dashboards.words import Words

Vocabulary: TypeAlias = Mapping[str, Words]
"""Words by code."""

QUALITY: Final[Vocabulary] = {
    "good": Words("正常", "good"),
    "maintenance": Words("维护", "being serviced"),
    "stopped": Words("停运", "shut down"),
    "calibrating": Words("校准", "calibrating"),
    "fault": Words("故障", "fault"),
    "no_contact": Words("仪器失联", "no contact"),
    "over_range": Words("超量程", "over range"),
    "manual": Words("人工录入", "entered by hand"),
    "uncertain": Words("存疑", "in doubt"),
}
QUALITY_CODE: Final[Vocabulary] = {
    "free_negative": Words("空位为负", "fewer than no free spaces"),
    "free_above_capacity": Words("空位多于总数", "more free spaces than there are"),
    "steps_out_of_order": Words("步骤时序颠倒", "steps out of order"),
    "status_mismatch": Words("状态与厂家原词不符", "state contradicts the vendor's word"),
    "wrong_sign": Words("金额正负号不符", "amount with the wrong sign"),
    "future_time": Words("时间超前", "dated ahead of the clock"),
    "year_restored": Words("补全世纪", "century restored"),
    "year_inferred": Words("推定年份", "year inferred"),
    "zone_assumed": Words("时区按 UTC 计", "time zone taken for UTC"),
    "below_detection": Words("低于检出限", "below the limit of detection"),
    "value_placeholder": Words("以占位符代值", "placeholder for a value"),
}
DEAD_LETTER_REASON: Final[Vocabulary] = {
    "not_utf8": Words("不是 UTF-8 文本", "not UTF-8 text"),
    "not_json": Words("不是 JSON", "not JSON"),
    "too_large": Words("过大", "too large"),
    "wrong_topic": Words("主题不在约定内", "topic outside the contract"),
    "contradicts_topic": Words("内容与主题不符", "contradicts its topic"),
    "not_registered": Words("设备未登记", "device not registered"),
    "lane_not_allowed": Words("设备不得使用该数据来源", "device may not use that lane"),
    "too_fast": Words("发送过快", "sent too fast"),
    "invalid": Words("字段缺失或越界", "a field is missing or out of range"),
    "future_time": Words("时间超前", "dated ahead of the clock"),
    "refused_by_database": Words("数据库拒收", "refused by the database"),
    "key_reused": Words("编号重复而内容不同", "number used again for something else"),
    "undecodable_record": Words("记录无法解读", "record that cannot be read"),
    "judging_failed": Words("判定出错", "could not be judged"),
    "lane_not_open": Words("数据来源未开启", "lane not open"),
    "wrong_lane": Words("数据来源与通道不符", "lane on the wrong topic"),
    "too_many_lanes": Words("开启的数据来源过多", "too many lanes open"),
}
DEAD_LETTER_SOURCE: Final[Vocabulary] = {
    "ingest_bridge": Words("接入网关", "bridge"),
    "timescale_sink": Words("入库服务", "sink"),
    "stream_processors": Words("判定服务", "processors"),
}
OUTCOME: Final[Vocabulary] = {
    "delivered": Words("已送达", "delivered"),
    "refused": Words("被拒收", "refused"),
    "failed": Words("失败", "failed"),
    "withheld": Words("暂缓", "withheld"),
    "given_up": Words("已放弃", "given up"),
}
UNIT: Final[Vocabulary] = {
    "count": Words("个", ""),
    "buildings": Words("栋", "buildings"),
    "people": Words("人", "people"),
    "posts/10k residents": Words("个/万人", "posts for 10,000 residents"),
    "min": Words("分钟", "min"),
    "km": Words("公里", "km"),
    "m2": Words("平方米", "m²"),
    "mu": Words("亩", "mu"),
    "%": Words("%", "%"),
    "USD": Words("美元", "USD"),
    "CNY": Words("元", "CNY"),
    "CNY/year": Words("元/年", "CNY a year"),
    "class (1=I .. 5=V, 6=worse than V)": Words("类", "class"),
}
"""Units of the plan's targets."""
ITEM: Final[Vocabulary] = {
    "ph": Words("pH", "pH"),
    "do": Words("溶解氧", "dissolved oxygen"),
    "codmn": Words("高锰酸盐指数", "permanganate index"),
    "cod": Words("化学需氧量", "COD"),
    "bod5": Words("五日生化需氧量", "BOD5"),
    "nh3n": Words("氨氮", "ammonia nitrogen"),
    "tp": Words("总磷", "total phosphorus"),
    "tn": Words("总氮", "total nitrogen"),
}
"""Items of the water standard by the codes that verdicts carry."""
FIGURE: Final[Vocabulary] = {
    "water.class": Words("水质类别（轮次）", "class of a round"),
    "water.class_day": Words("水质类别（日）", "class of a day"),
    "water.class_month": Words("水质类别（月）", "class of a month"),
    "water.point_class": Words("测点水质类别", "class of a sample"),
    "water.point_quality": Words("测点数据质量", "quality of a point's data"),
    "water.trophic_index": Words("营养状态指数", "trophic level index"),
    "ev.availability": Words("可用率", "availability"),
    "ev.uptime": Words("在线率", "uptime"),
    "ev.utilisation": Words("时间利用率", "time in use"),
    "ev.energy": Words("充电量", "energy delivered"),
    "ev.energy_utilisation": Words("电量利用率", "energy utilisation"),
    "ev.fault_longest": Words("最长故障", "longest fault"),
    "parking.occupancy": Words("占用率", "occupancy"),
    "parking.full_minutes": Words("满位时长", "time without a free space"),
    "parking.turnover": Words("周转率", "turnover"),
    "parking.guidance": Words("诱导", "guidance"),
    "emergency.response": Words("反应时间 P90", "response time, P90"),
    "emergency.response_share": Words("按时到达比例", "share reached in time"),
    "emergency.response_longest": Words("最长反应时间", "longest response"),
    "emergency.share_within": Words("按时到达比例", "share reached in time"),
    "emergency.calls_unreached": Words("未到达的呼救", "calls not reached"),
    "emergency.coverage": Words("覆盖人口比例", "residents in reach"),
    "emergency.coverage_day": Words("日均覆盖人口比例", "residents in reach, mean of a day"),
    "tax.hundred_million_buildings": Words("亿元楼宇", "buildings over CNY 100 million"),
    "tax.year_to_date": Words("年初至今税收", "tax of the year so far"),
    "tax.pace": Words("年度进度预测", "forecast of the year"),
}
"""Indicators by id."""
KIND: Final[Vocabulary] = {
    "lake": Words("湖泊", "lake"),
    "station": Words("监测点", "point"),
    "site": Words("充电站", "charging site"),
    "connector": Words("充电枪", "connector"),
    "lot": Words("停车场", "car park"),
    "post": Words("急救站", "emergency post"),
    "unit": Words("急救车", "ambulance"),
    "dispatch": Words("指挥中心", "dispatch"),
    "building": Words("楼宇", "building"),
    "office": Words("税务窗口", "tax office"),
}
"""Kinds of assets that have readings or stand on the map."""
DOCUMENT: Final[Vocabulary] = {
    "plan": Words("规划", "plan"),
    "standard": Words("标准", "standard"),
    "policy": Words("运行政策", "policy"),
}
ORIGIN: Final[Vocabulary] = {
    "file": Words("随软件提供", "comes with the software"),
    "published": Words("已发布", "published"),
}


def shown(vocabulary: Vocabulary, colour: str) -> Shown:
    """A vocabulary as a table of states of one colour, for value mappings."""
    return {code: (words, colour) for code, words in vocabulary.items()}
