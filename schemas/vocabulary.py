"""What people read instead of codes: Chinese and English words of every code of the contracts, by kind.

What a document or a register names itself is not repeated here: rules and limits have their names in the policies, the
targets in the plan, the items of water in the standard, streets in the district file. The sink writes all of it into
the table `words`, which boards and other readers join (`v_words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from schemas.alert import AlertEventType, Severity, SuppressionKind
from schemas.alert_action import ActionKind, Actor, SilenceScope
from schemas.audit import AuditOutcome
from schemas.dead_letter import DeadLetterReason, DeadLetterSource
from schemas.delivery import DeliveryOutcome
from schemas.emergency import Step, UnitState
from schemas.ev import ConnectorState, ErrorCode, EvContext
from schemas.fields import Feed, Quality, QualityCode
from schemas.indicator import IndicatorStatus
from schemas.lane import LanePhase
from schemas.plan.course import Holds, TargetStanding
from schemas.plan.documents import Check
from schemas.plan.publication import DocumentKind
from schemas.subscription import SubscriptionState
from schemas.tax import TaxEntry, TaxKind
from schemas.verdict import Comparator, SourceKind
from schemas.water import WaterBody


class Naming(NamedTuple):
    """The words of one code; the empty text where a language says nothing (a count of things needs no unit)."""

    zh: str
    en: str


Words = Mapping[str, Naming]
"""Words by code."""

KIND_OF_ENUM: Final[Mapping[type[StrEnum], str]] = MappingProxyType(
    {
        Feed: "feed",
        Quality: "quality",
        QualityCode: "quality_code",
        DeadLetterReason: "dead_letter_reason",
        DeadLetterSource: "dead_letter_source",
        DeliveryOutcome: "outcome",
        AuditOutcome: "audit_outcome",
        ConnectorState: "connector_state",
        ErrorCode: "error_code",
        EvContext: "reading_context",
        Step: "step",
        UnitState: "unit_state",
        IndicatorStatus: "status",
        Severity: "severity",
        AlertEventType: "alert_event",
        SuppressionKind: "suppression",
        ActionKind: "action",
        Actor: "actor",
        SilenceScope: "silence_scope",
        LanePhase: "lane_phase",
        Check: "check",
        Holds: "holds",
        TargetStanding: "target_standing",
        DocumentKind: "document",
        SourceKind: "source",
        SubscriptionState: "subscription_state",
        TaxEntry: "tax_entry",
        TaxKind: "tax_kind",
        Comparator: "comparator",
        WaterBody: "water_body",
    }
)
"""The kind under which the members of an enumeration have their words."""


def _words(**pairs: tuple[str, str]) -> Words:
    return _coded(pairs)


def _coded(pairs: Mapping[str, tuple[str, str]]) -> Words:
    return MappingProxyType({code: Naming(*pair) for code, pair in pairs.items()})


VOCABULARY: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "feed": _words(
            ev=("充电桩", "EV charging"),
            water=("湖泊水质", "water"),
            parking=("停车", "parking"),
            emergency=("医疗急救", "emergency"),
            tax=("楼宇税收", "tax"),
            unknown=("未知", "unknown"),
        ),
        "quality": _words(
            good=("正常", "good"),
            maintenance=("维护", "being serviced"),
            stopped=("停运", "shut down"),
            calibrating=("校准", "calibrating"),
            fault=("故障", "fault"),
            no_contact=("仪器失联", "no contact"),
            over_range=("超量程", "over range"),
            manual=("人工录入", "entered by hand"),
            uncertain=("存疑", "in doubt"),
        ),
        "quality_code": _words(
            free_negative=("空位为负", "fewer than no free spaces"),
            free_above_capacity=("空位多于总数", "more free spaces than there are"),
            steps_out_of_order=("步骤时序颠倒", "steps out of order"),
            status_mismatch=("状态与厂家原词不符", "state contradicts the vendor's word"),
            wrong_sign=("金额正负号不符", "amount with the wrong sign"),
            future_time=("时间超前", "dated ahead of the clock"),
            year_restored=("补全世纪", "century restored"),
            year_inferred=("推定年份", "year inferred"),
            zone_assumed=("时区按 UTC 计", "time zone taken for UTC"),
            below_detection=("低于检出限", "below the limit of detection"),
            value_placeholder=("以占位符代值", "placeholder for a value"),
        ),
        "dead_letter_reason": _words(
            not_utf8=("不是 UTF-8 文本", "not UTF-8 text"),
            not_json=("不是 JSON", "not JSON"),
            too_large=("过大", "too large"),
            wrong_topic=("主题不在约定内", "topic outside the contract"),
            contradicts_topic=("内容与主题不符", "contradicts its topic"),
            not_registered=("设备未登记", "device not registered"),
            lane_not_allowed=("设备不得使用该数据来源", "device may not use that lane"),
            too_fast=("发送过快", "sent too fast"),
            invalid=("字段缺失或越界", "a field is missing or out of range"),
            future_time=("时间超前", "dated ahead of the clock"),
            refused_by_database=("数据库拒收", "refused by the database"),
            key_reused=("编号重复而内容不同", "number used again for something else"),
            undecodable_record=("记录无法解读", "record that cannot be read"),
            judging_failed=("判定出错", "could not be judged"),
            lane_not_open=("数据来源未开启", "lane not open"),
            wrong_lane=("数据来源与通道不符", "lane on the wrong topic"),
            too_many_lanes=("开启的数据来源过多", "too many lanes open"),
        ),
        "dead_letter_source": _words(
            ingest_bridge=("接入网关", "bridge"),
            timescale_sink=("入库服务", "sink"),
            stream_processors=("判定服务", "processors"),
        ),
        "outcome": _words(
            delivered=("已送达", "delivered"),
            refused=("被拒收", "refused"),
            failed=("失败", "failed"),
            withheld=("暂缓", "withheld"),
            given_up=("已放弃", "given up"),
        ),
        "audit_outcome": _words(done=("已执行", "done"), refused=("已拒绝", "refused"), failed=("失败", "failed")),
        "connector_state": _words(
            unseen=("尚无数据", "never heard"),
            idle=("空闲", "idle"),
            plugged=("已插枪", "plugged in"),
            charging=("充电中", "charging"),
            reserved=("预约", "reserved"),
            out_of_service=("停用", "out of service"),
            fault=("故障", "fault"),
            no_contact=("离线", "no contact"),
        ),
        "error_code": _words(
            NoError=("无故障", "no error"),
            ConnectorLockFailure=("枪锁故障", "connector lock failure"),
            EVCommunicationError=("与车辆通信故障", "communication with the vehicle failed"),
            GroundFailure=("接地故障", "ground failure"),
            HighTemperature=("过温", "high temperature"),
            InternalError=("内部故障", "internal error"),
            LocalListConflict=("本地名单冲突", "conflict of the local list"),
            OtherError=("其他故障", "other error"),
            OverCurrentFailure=("过流", "overcurrent"),
            OverVoltage=("过压", "overvoltage"),
            PowerMeterFailure=("电表故障", "meter failure"),
            PowerSwitchFailure=("接触器故障", "power switch failure"),
            ReaderFailure=("读卡器故障", "card reader failure"),
            ResetFailure=("重启失败", "reset failed"),
            UnderVoltage=("欠压", "undervoltage"),
            WeakSignal=("信号弱", "weak signal"),
        ),
        "reading_context": _words(
            status=("状态变化", "change of state"),
            sample_periodic=("定时采样", "periodic sample"),
            sample_clock=("整点采样", "sample on the clock"),
            transaction_begin=("充电开始", "charging begins"),
            transaction_end=("充电结束", "charging ends"),
        ),
        "step": _words(
            call_received=("接警", "call received"),
            call_entered=("受理", "call entered"),
            dispatched=("派车", "dispatched"),
            responding=("出车", "responding"),
            on_scene=("到达现场", "on scene"),
            at_patient=("接触患者", "with the patient"),
            transporting=("转运", "transporting"),
            at_hospital=("到达医院", "at hospital"),
            handed_over=("交接完毕", "handed over"),
            available=("恢复待命", "available again"),
        ),
        "unit_state": _words(
            available=("待命", "available"),
            dispatched=("已派车", "dispatched"),
            responding=("出车", "responding"),
            on_scene=("到达现场", "on scene"),
            transporting=("转运", "transporting"),
            at_hospital=("在医院", "at hospital"),
            out_of_service=("停用", "out of service"),
        ),
        "call_type": _coded(
            {
                "胸痛": ("胸痛", "chest pain"),
                "呼吸困难": ("呼吸困难", "shortness of breath"),
                "外伤": ("外伤", "injury"),
                "晕厥": ("晕厥", "fainting"),
                "卒中": ("卒中", "stroke"),
                "腹痛": ("腹痛", "abdominal pain"),
                "交通事故": ("交通事故", "traffic accident"),
                "发热": ("发热", "fever"),
                "medical": ("内科急症", "medical"),
            }
        ),
        "priority": _words(A=("一级", "1st"), B=("二级", "2nd"), C=("三级", "3rd")),
        "status": _words(met=("达标", "met"), not_met=("未达标", "not met"), cannot_say=("无法判定", "cannot say")),
        "severity": _words(
            I=("I 级（红）", "I red"),
            II=("II 级（橙）", "II orange"),
            III=("III 级（黄）", "III yellow"),
            IV=("IV 级（蓝）", "IV blue"),
        ),
        "standing": _words(
            open=("待处置", "nobody yet"),
            acknowledged=("已受理", "taken up"),
            closed=("已关闭", "closed"),
            resolved=("已解除", "over"),
            retracted=("已撤销", "retracted"),
        ),
        "alert_event": _words(
            raised=("发出", "raised"),
            updated=("更新", "updated"),
            escalated=("升级", "escalated"),
            acknowledged=("受理", "acknowledged"),
            resolved=("解除", "resolved"),
            amended=("更正", "amended"),
            retracted=("撤销", "retracted"),
        ),
        "suppression": _words(
            maintenance=("计划维护", "planned maintenance"),
            inhibited=("同因预警已代为报告", "another alert stands for it"),
        ),
        "action": _words(
            acknowledge=("受理", "acknowledge"),
            assign=("指派", "assign"),
            comment=("备注", "comment"),
            close=("关闭", "close"),
            silence=("静默", "silence"),
            unsilence=("取消静默", "end the silence"),
            escalate=("逾时上报", "escalate"),
            receive=("签收", "receive"),
        ),
        "actor": _words(person=("人员", "person"), consumer=("接收方", "consumer"), platform=("平台", "platform")),
        "silence_scope": _words(asset=("对象", "asset"), zone=("片区", "zone")),
        "lane_kind": _words(
            live=("实时", "live"),
            exercise=("演练", "exercise"),
            replay=("回放", "replay"),
            whatif=("推演", "what-if"),
        ),
        "lane_phase": _words(open=("开启", "open"), closed=("已关闭", "closed"), refused=("未获开启", "refused")),
        "gap_reason": _words(
            removed=("日志开头已被清除", "the beginning of the log was removed"),
            made_anew=("主题重建或日志尾部丢失", "the topic was made anew or lost its end"),
        ),
        "asset_kind": _words(
            district=("行政区", "district"),
            street=("街道", "street"),
            zone=("片区", "zone"),
            lake=("湖泊", "lake"),
            station=("水质监测点", "water station"),
            site=("充电站", "charging site"),
            connector=("充电接口", "connector"),
            lot=("停车场", "car park"),
            dispatch=("急救调度中心", "dispatch centre"),
            post=("急救站", "ambulance post"),
            unit=("急救车", "ambulance"),
            building=("楼宇", "building"),
            office=("税收报送点", "tax office"),
            cell=("人口网格", "population cell"),
        ),
        "check": _words(
            stream=("实时监测", "live telemetry"), reported=("规划部门填报", "reported by the plan office")
        ),
        "holds": _words(
            cumulative=("规划期累计", "adds up over the period"),
            at_end=("期末达到", "reached by the due date"),
            every_year=("逐年达到", "kept to in every year"),
        ),
        "target_standing": _words(
            on_track=("按进度", "on track"),
            behind=("落后于进度", "behind"),
            met=("已完成", "met"),
            missed=("未完成", "missed"),
            cannot_say=("无法判定", "cannot say"),
        ),
        "document": _words(plan=("规划", "plan"), standard=("标准", "standard"), policy=("运行政策", "policy")),
        "source": _words(plan=("规划", "plan"), standard=("标准", "standard"), policy=("运行政策", "policy")),
        "document_name": _coded(
            {
                "water-operations": (
                    "水质：采样轮次、数据质量、预警",
                    "Water: sampling rounds, data quality, warnings",
                ),
                "water-operations-local": ("水质：模拟站点", "Water: simulated stations"),
                "ev-operations": ("充电桩：故障、失联、负荷、在线率", "EV charging: faults, silence, load, uptime"),
                "parking-operations": ("停车：满位、诱导、计数", "Parking: full lots, guidance, counters"),
                "emergency-operations": ("医疗急救：反应时间、超时风险、覆盖", "Emergency: response, risk, coverage"),
                "tax-operations": ("楼宇税收：亿元楼宇、更正、年度进度", "Tax: CNY 100 million, corrections, pace"),
            }
        ),
        "origin": _words(file=("随软件提供", "comes with the software"), published=("已发布", "published")),
        "subscription_state": _words(active=("推送中", "active"), paused=("暂停", "paused"), ended=("已终止", "ended")),
        "tax_entry": _words(payment=("入库", "payment"), refund=("退库", "refund"), correction=("更正", "correction")),
        "tax_kind": _words(
            value_added=("增值税", "value-added tax"),
            corporate_income=("企业所得税", "corporate income tax"),
            individual_income=("个人所得税", "individual income tax"),
            other=("其他税种", "other taxes"),
        ),
        "comparator": _coded(
            {
                "<=": ("不高于", "at most"),
                "<": ("低于", "below"),
                ">=": ("不低于", "at least"),
                ">": ("高于", "above"),
            }
        ),
        "water_body": _words(lake=("湖库", "lake"), river=("河流", "river")),
        "water_class": _coded(
            {
                "1": ("Ⅰ类", "I"),
                "2": ("Ⅱ类", "II"),
                "3": ("Ⅲ类", "III"),
                "4": ("Ⅳ类", "IV"),
                "5": ("Ⅴ类", "V"),
                "6": ("劣Ⅴ类", "worse than V"),
            }
        ),
        "item": _words(
            ph=("pH", "pH"),
            do_mg_l=("溶解氧", "dissolved oxygen"),
            codmn_mg_l=("高锰酸盐指数", "permanganate index"),
            nh3n_mg_l=("氨氮", "ammonia nitrogen"),
            tp_mg_l=("总磷", "total phosphorus"),
            tn_mg_l=("总氮", "total nitrogen"),
            chla_ug_l=("叶绿素a", "chlorophyll-a"),
            transparency_m=("透明度", "transparency"),
            water_temp_c=("水温", "water temperature"),
            conductivity_us_cm=("电导率", "conductivity"),
            turbidity_ntu=("浊度", "turbidity"),
            algae_cells_l=("藻密度", "algal density"),
            do=("溶解氧", "dissolved oxygen"),
            codmn=("高锰酸盐指数", "permanganate index"),
            cod=("化学需氧量", "chemical oxygen demand"),
            bod5=("五日生化需氧量", "biochemical oxygen demand"),
            nh3n=("氨氮", "ammonia nitrogen"),
            tp=("总磷", "total phosphorus"),
            tn=("总氮", "total nitrogen"),
        ),
        "rule": _coded(
            {
                "platform.device_too_fast": ("设备发送过快", "A device that sends more than it may"),
                "platform.log_gap": ("日志缺口", "Records gone before they were stored"),
                "platform.readings_missing": ("读数缺失", "Numbers of a device that never came"),
            }
        ),
        "indicator": _coded(
            {
                "water.point_class": ("监测点水质类别", "Class of a point"),
                "water.class_day": ("湖泊日均水质类别", "Class of a lake by day"),
                "water.class_month": ("湖泊月均水质类别", "Class of a lake by month"),
                "water.point_quality": ("监测点数据有效率", "Valid share of a point's values"),
                "water.trophic_index": ("综合营养状态指数", "Trophic level index"),
                "emergency.response_share": ("十分钟内到达比例", "Share of calls reached in ten minutes"),
                "emergency.calls_unreached": ("无车到达的呼救", "Calls that no ambulance reached"),
                "emergency.coverage": ("十分钟可达人口比例", "Residents reachable in ten minutes"),
                "emergency.coverage_day": ("全天十分钟可达人口比例", "Residents reachable in ten minutes, of a day"),
                "ev.availability": ("充电接口可用率", "Availability of connectors"),
                "ev.uptime": ("充电接口在线率", "Uptime of connectors"),
                "ev.uptime_12_months": ("充电接口十二个月在线率", "Uptime of connectors over twelve months"),
                "ev.utilisation": ("充电接口时间利用率", "Utilisation of connectors by time"),
                "ev.energy_utilisation": ("充电接口功率利用率", "Utilisation of connectors by energy"),
                "ev.energy": ("充电量", "Energy charged"),
                "parking.occupancy": ("车位占用率", "Occupancy of spaces"),
                "parking.turnover": ("车位周转率", "Turnover of spaces"),
                "parking.full_minutes": ("满位时长", "Time full"),
                "parking.guidance": ("停车诱导", "Parking guidance"),
                "tax.year_to_date": ("本年累计税收", "Tax of the year to date"),
                "tax.pace": ("全年预计亿元税收楼宇", "Buildings at CNY 100 million expected by year's end"),
            }
        ),
        "unit": _coded(
            {
                "1": ("", ""),
                "times": ("倍", "times"),
                "%": ("%", "%"),
                "count": ("个", ""),
                "people": ("人", "people"),
                "residents": ("人", "residents"),
                "posts/10k residents": ("个/万人", "posts for 10,000 residents"),
                "buildings": ("栋", "buildings"),
                "car parks": ("个停车场", "car parks"),
                "lots with room": ("个有空位的停车场", "car parks with room"),
                "spaces": ("个车位", "spaces"),
                "free spaces": ("个空位", "free spaces"),
                "vehicles/space": ("车次/车位", "vehicles for each space"),
                "connectors": ("个充电接口", "connectors"),
                "ambulances": ("辆急救车", "ambulances"),
                "units": ("辆急救车", "ambulances"),
                "calls": ("起呼救", "calls"),
                "readings": ("条读数", "readings"),
                "records": ("条记录", "records"),
                "entries": ("笔", "entries"),
                "marks": ("次标记", "marks"),
                "sampling intervals": ("个采样周期", "sampling intervals"),
                "share of residents": ("（占常住人口比例）", "share of residents"),
                "share of usable spaces": ("（占可用车位比例）", "share of usable spaces"),
                "share of known time": ("（占已知时间比例）", "share of known time"),
                "share of time in service": ("（占服务时间比例）", "share of time in service"),
                "share of measured values": ("（占实测值比例）", "share of measured values"),
                "kWh / (rated kW x hours in service)": (
                    "（占额定电量比例）",
                    "kWh of what the rated power would have given",
                ),
                "kW": ("kW", "kW"),
                "kWh": ("kWh", "kWh"),
                "s": ("秒", "s"),
                "min": ("分钟", "min"),
                "lot-minutes": ("车场·分钟", "lot-minutes"),
                "m": ("m", "m"),
                "km": ("公里", "km"),
                "m2": ("平方米", "m²"),
                "mu": ("亩", "mu"),
                "Cel": ("°C", "°C"),
                "°C": ("°C", "°C"),
                "mg/L": ("mg/L", "mg/L"),
                "µg/L": ("µg/L", "µg/L"),
                "1/L": ("个/L", "1/L"),
                "NTU": ("NTU", "NTU"),
                "uS/cm": ("µS/cm", "µS/cm"),
                "µS/cm": ("µS/cm", "µS/cm"),
                "TLI": ("", ""),
                "class": ("类", "class"),
                "class (1=I .. 5=V, 6=worse than V)": ("类", "class"),
                "USD": ("美元", "USD"),
                "CNY": ("元", "CNY"),
                "CNY/year": ("元/年", "CNY a year"),
            }
        ),
    }
)
"""Words by kind and code."""
