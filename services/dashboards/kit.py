"""What every board is made of: panels with the house's choices, variables, links. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    dashboard,
    geomap,
    piechart,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.models import common as cm
from grafana_foundation_sdk.models import dashboard as dm
from grafana_foundation_sdk.models import geomap as gm
from grafana_foundation_sdk.models import piechart as pm
from grafana_foundation_sdk.models import text as tm
from grafana_foundation_sdk.models.common import GraphDrawStyle, GraphThresholdsStyleMode

from services.dashboards.columns import SHORT_MOMENT, Column, Property, Way, properties, steps_of
from services.dashboards.ground import Ground, read_ground
from services.dashboards.layers import CENTRE, coloured, dot, label, markers, zoom_of
from services.dashboards.limits import Limits
from services.dashboards.menu import MENU
from services.dashboards.palette import (
    ASSET_STATE,
    FEED,
    GREEN,
    GREY,
    NONE,
    QUIET,
    RED,
    SEVERITY,
    STANDING,
    WATER_CLASS,
    Shown,
    case,
    mappings,
)
from services.dashboards.sql import DATASOURCE, POINTS, Sql
from services.dashboards.vocabulary import UNIT, Vocabulary
from services.dashboards.words import Language, Words, quoted

FOLDER_UID: Final = "jianghan-district"
TAG: Final = "jianghan"
UID_PREFIX: Final = "jianghan-"
TIME_ZONE: Final = "Asia/Shanghai"
"""Only what is shown; buckets of local days are made in the database with a fixed offset."""
MAP_ADDRESS: Final = "http://127.0.0.1:8600/map/"
"""Where `make run` serves the one map unless its port is taken; the constant `one_map` of each board."""
NO_TILES: Final = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""A transparent tile: Grafana's own base layers come from the internet, and an operations room may have none."""
LIFE: Final = Words("实时", "Live")
DRILL: Final = Words("演练", "Drill")
REPLAY: Final = Words("回放", "Replay")
ALL: Final = Words("全部", "All")
ASSET_PAGE: Final = Words("打开对象页", "Open its page")
FEEDS: Final = ("water", "emergency", "parking", "ev", "tax")

AnyPanel = (
    stat.Panel
    | timeseries.Panel
    | statetimeline.Panel
    | table.Panel
    | geomap.Panel
    | bargauge.Panel
    | barchart.Panel
    | piechart.Panel
)
PanelBuilder = cogbuilder.Builder[dm.Panel]
Table = table.Panel
P = TypeVar("P", bound=AnyPanel)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands: width of 24 and height in rows; without a corner it follows the one before."""

    width: int
    height: int
    x: int = 0
    y: int = 0

    def on_grid(self) -> dm.GridPos:
        """The same for Grafana."""
        return dm.GridPos(h=self.height, w=self.width, x=self.x, y=self.y)


@dataclass(frozen=True, slots=True)
class Money:
    """How an amount is shown: divided by so many CNY, with a unit."""

    cny: float
    unit: str


MONEY: Final = {
    Language.ZH: (Money(1e4, "suffix: 万元"), Money(1e8, "suffix: 亿元")),
    Language.EN: (Money(1e6, "suffix: CNY m"), Money(1e9, "suffix: CNY bn")),
}
"""Amounts of a building, and of the district."""


class Kit:
    """Makes the parts of the boards of one language.

    Args:
        map_address: Of the one map, as browsers reach it.
        ground: What maps show under the assets; None: the district's.
    """

    def __init__(
        self, language: Language, limits: Limits, map_address: str = MAP_ADDRESS, ground: Ground | None = None
    ) -> None:
        self.language = language
        self._ground = read_ground() if ground is None else ground
        self._map_address = map_address
        self.limits = limits
        self.money, self.great_money = MONEY[language]
        self.name = "name_zh" if language is Language.ZH else "name_en"
        self.asset_name = f"asset_{self.name}"
        self.matter = "matter_zh" if language is Language.ZH else "matter_en"
        self.advice = "advice_zh" if language is Language.ZH else "advice_en"
        self.text = "text_zh" if language is Language.ZH else "text_en"

    def say(self, words: Words) -> str:
        """Words in the board's language."""
        return words.of(self.language)

    def case(self, column: str, shown: Shown) -> str:
        """SQL that says a state in words."""
        return case(column, shown, self.language)

    def word(self, column: str, vocabulary: Vocabulary) -> str:
        """SQL that says a code in words; a code without any stands for itself."""
        said = " ".join(f"WHEN '{code}' THEN {quoted(self.say(words))}" for code, words in vocabulary.items())
        return f"CASE {column} {said} ELSE {column} END"

    def reason(self, row: str) -> str:
        """SQL that says why a figure stands as it does; an older release said it in English alone.

        Args:
            row: The name by which the query calls the figure.
        """
        if self.language is Language.ZH:
            return self.wrapped(f"coalesce({row}.status_reason_zh, {row}.status_reason)")
        return f"{row}.status_reason"

    def amount(self, value: str, unit: str) -> str:
        """SQL that writes a value of a plan's target with its unit; money in units people use, classes by their names.

        Args:
            value: A numeric expression; null stays null.
            unit: The column with the unit as the plan's file has it.
        """
        great = self.great_money
        words = " ".join(
            f"WHEN '{code}' THEN {quoted(f' {self.say(said)}')}" for code, said in UNIT.items() if self.say(said)
        )
        classes = " ".join(f"WHEN {rank} THEN {quoted(self.say(said))}" for rank, (said, _) in WATER_CLASS.items())
        return (
            f"CASE WHEN {unit} LIKE 'class%' THEN CASE {value} {classes} END WHEN {unit} LIKE 'CNY%'"
            f" THEN {_number(f'{value} / {great.cny:.0f}')} || '{great.unit.removeprefix('suffix:')}'"
            f" ELSE {_number(value)} || CASE {unit} {words} ELSE '' END END"
        )

    def uid(self, board: str) -> str:
        """Stable uid of a board in this language."""
        return f"{UID_PREFIX}{board}" + ("" if self.language is Language.ZH else "-en")

    def href(self, board: str, variables: str = "") -> str:
        """Address of a board with the time range of where one is."""
        return f"/d/{self.uid(board)}?${{__url_time_range}}&var-lane=${{lane}}{variables}"

    def wrapped(self, text: str) -> str:
        """SQL of a text that a table shows on several lines, with places where its lines may break.

        Grafana reckons the height of a row from breaks at blanks and hyphens alone. Chinese has none, so a row of three
        lines would be as high as one of one and lose the third: a blank behind each mark is a break that it counts.
        """
        if self.language is not Language.ZH:
            return text
        return f"rtrim(regexp_replace({text}, '([，。；：、）])(?=[^ ，。；：、）])', '\\1 ', 'g'))"

    def page_of(self, feed: str) -> str:
        """SQL of the uid of the page of an asset, by its feed."""
        known = " ".join(f"WHEN '{each}' THEN '{self.uid(f'asset-{each}')}'" for each in FEEDS)
        return f"CASE {feed} {known} ELSE '{self.uid('today')}' END"

    def to_page(self, feed: str | None = None, column: str = "asset") -> Way:
        """The way to the page of the asset that a row is about.

        Args:
            feed: None: the row says it, in its column `page`.
            column: Which holds the asset's id.
        """
        page = "${__data.fields.page}" if feed is None else self.uid(f"asset-{feed}")
        asset = f"${{__data.fields.{column}}}"
        return ASSET_PAGE, f"/d/{page}?${{__url_time_range}}&var-lane=${{lane}}&var-asset={asset}"

    def source(self, *limit_ids: str) -> str:
        """Limits with their sources, for a description."""
        head = self.say(Words("限值：", "Limit: "))
        return head + "; ".join(self.limits.source(each, self.language) for each in limit_ids) + "."

    def _dress(self, panel: P, title: Words, about: Words, place: Place, sources: Sequence[str]) -> P:
        parts = [self.say(about), *([self.source(*sources)] if sources else [])]
        panel.title(self.say(title)).description("\n\n".join(parts)).datasource(DATASOURCE)
        panel.grid_pos(place.on_grid())
        return panel

    def tile(
        self,
        title: Words,
        about: Words,
        sql: str,
        place: Place = Place(4, 4),
        *,
        unit: str = "locale",
        decimals: int | None = None,
        steps: Sequence[tuple[float | None, str]] = ((None, GREEN),),
        shown: Shown | None = None,
        null: Words = Words("无法判定", "cannot say"),  # noqa: B008 - frozen
        link: tuple[Words, str] | None = None,
        sources: Sequence[str] = (),
        text: bool = False,
    ) -> stat.Panel:
        """One big value, coloured by limits; no value says so in words."""
        panel = self._dress(stat.Panel(), title, about, place, sources)
        panel.with_target(Sql(sql)).unit(unit).thresholds(steps_of(steps))
        panel.color_mode(cm.BigValueColorMode.BACKGROUND).graph_mode(cm.BigValueGraphMode.NONE)
        panel.mappings(mappings(shown or {}, self.language, null=null))
        reduce = common.ReduceDataOptions().calcs(["lastNotNull" if not text else "last"]).values(False)
        panel.reduce_options(reduce.fields("/.*/" if text else ""))
        if decimals is not None:
            panel.decimals(decimals)
        if link is not None:
            panel.data_links([self._link(*link)])
        return panel

    def strip(
        self,
        title: Words,
        about: Words,
        sql: str,
        shown: Shown,
        place: Place,
        *,
        link: tuple[Words, str] | None = None,
        sources: Sequence[str] = (),
        sizes: tuple[int, int] = (14, 20),
        stacked: bool = False,
    ) -> stat.Panel:
        """One tile a row: the column `name` names it, `state` is what it says and its colour.

        Args:
            sizes: Of the name and of what it says, in pixels.
            stacked: One below the other; otherwise side by side.
        """
        panel = self._dress(stat.Panel(), title, about, place, sources)
        panel.with_target(Sql(sql)).thresholds(steps_of(((None, GREY),)))
        panel.color_mode(cm.BigValueColorMode.BACKGROUND_SOLID).graph_mode(cm.BigValueGraphMode.NONE)
        panel.mappings(mappings(shown, self.language))
        panel.orientation(cm.VizOrientation.HORIZONTAL if stacked else cm.VizOrientation.VERTICAL)
        panel.justify_mode(cm.BigValueJustifyMode.CENTER).text_mode(cm.BigValueTextMode.VALUE_AND_NAME)
        panel.reduce_options(common.ReduceDataOptions().values(True).calcs(["lastNotNull"]).fields("/^state$/"))
        panel.text(common.VizTextDisplayOptions().title_size(sizes[0]).value_size(sizes[1]))
        if link is not None:
            panel.data_links([self._link(*link)])
        return panel

    def legend(self, shown: Shown, place: Place) -> text.Panel:
        """What the colours of the map beside it mean."""
        panel = (
            text.Panel().title("").description(self.say(Words("地图颜色的含义。", "What the colours of the map mean.")))
        )
        panel.grid_pos(place.on_grid()).transparent(True).mode(tm.TextMode.HTML)
        parts = " &nbsp; ".join(
            f'<span style="color: {colour}">&#9679;</span> {self.say(words)}' for words, colour in shown.values()
        )
        return panel.content(f"<div>{parts}</div>")

    def lines(
        self,
        title: Words,
        about: Words,
        sql: str | Sequence[str],
        place: Place = Place(12, 8),
        *,
        unit: str = "short",
        decimals: int | None = None,
        limit: float | None = None,
        steps: Sequence[tuple[float | None, str]] | None = None,
        low: float | None = None,
        high: float | None = None,
        bars: bool = False,
        stacked: bool = False,
        points: bool = False,
        sources: Sequence[str] = (),
        interval: str = "1m",
        gap: str | None = None,
        colours: Shown | None = None,
    ) -> timeseries.Panel:
        """Lines or bars over time, with a limit as a line where there is one.

        Args:
            gap: A line is broken where values are farther apart than this; None: it is not.
            colours: Of the lines whose names are the words of a state.
        """
        panel = self._dress(timeseries.Panel(), title, about, place, sources)
        queries = [sql] if isinstance(sql, str) else sql
        for number, each in enumerate(queries):
            panel.with_target(Sql(each, table=False, ref_id=chr(65 + number)))
        panel.unit(unit).max_data_points(POINTS).interval(interval)
        panel.draw_style(GraphDrawStyle.BARS if bars else GraphDrawStyle.LINE).fill_opacity(70 if bars else 0)
        panel.line_width(1).point_size(4)
        panel.show_points(cm.VisibilityMode.ALWAYS if points else cm.VisibilityMode.AUTO)
        panel.span_nulls(gap is None)
        legend = common.VizLegendOptions().show_legend(True).display_mode(cm.LegendDisplayMode.LIST)
        panel.legend(legend.placement(cm.LegendPlacement.BOTTOM).calcs(["lastNotNull"]))
        panel.tooltip(common.VizTooltipOptions().mode(cm.TooltipDisplayMode.MULTI).sort(cm.SortOrder.DESCENDING))
        for words, colour in (colours or {}).values():
            panel.override_by_name(self.say(words), [Property("color", {"mode": "fixed", "fixedColor": colour})])
        if decimals is not None:
            panel.decimals(decimals)
        if low is not None:
            panel.min(low)
        if high is not None:
            panel.max(high)
        if stacked:
            panel.stacking(common.StackingConfig().mode(cm.StackingMode.NORMAL).group("A"))
        if limit is not None:
            steps = ((None, NONE), (limit, RED))
        if steps is not None:
            panel.thresholds(steps_of(steps))
            panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
        return panel

    def states(
        self, title: Words, about: Words, sql: str, shown: Shown, place: Place, *, sources: Sequence[str] = ()
    ) -> statetimeline.Panel:
        """States over time, one lane a thing."""
        panel = self._dress(statetimeline.Panel(), title, about, place, sources)
        panel.with_target(Sql(sql, table=False)).mappings(mappings(shown, self.language)).max_data_points(POINTS)
        # By thresholds, Grafana would show their ranges instead of the words.
        panel.color_scheme(dashboard.FieldColor().mode(dm.FieldColorModeId.CONTINUOUS_GR_YL_RD)).fill_opacity(
            80
        ).line_width(0)
        panel.thresholds(steps_of(((None, GREY),))).merge_values(True).show_value(cm.VisibilityMode.AUTO).row_height(
            0.85
        )
        panel.legend(common.VizLegendOptions().show_legend(True).display_mode(cm.LegendDisplayMode.LIST))
        return panel

    def table(
        self,
        title: Words,
        about: Words,
        sql: str,
        columns: Sequence[Column],
        place: Place,
        *,
        sources: Sequence[str] = (),
        empty: Words = Words("无", "none"),  # noqa: B008
    ) -> table.Panel:
        """Rows with words, units and colours for each column."""
        panel = self._dress(table.Panel(), title, about, place, sources)
        # Two lines at least where a text may take several; more where it breaks oftener (`wrapped`).
        height = cm.TableCellHeight.LG if any(column.wraps for column in columns) else cm.TableCellHeight.SM
        panel.with_target(Sql(sql)).no_value(self.say(empty)).cell_height(height)
        for column in columns:
            panel.override_by_name(column.name, properties(column, self.language))
        return panel

    def amounts(
        self,
        title: Words,
        about: Words,
        sql: str,
        place: Place,
        *,
        unit: str = "short",
        decimals: int | None = None,
        steps: Sequence[tuple[float | None, str]] = ((None, QUIET),),
        high: float | None = None,
        sources: Sequence[str] = (),
    ) -> bargauge.Panel:
        """One bar a row: a text column names it, a number is its length."""
        panel = self._dress(bargauge.Panel(), title, about, place, sources)
        panel.with_target(Sql(sql)).unit(unit).thresholds(steps_of(steps)).min(0)
        panel.orientation(cm.VizOrientation.HORIZONTAL).display_mode(cm.BarGaugeDisplayMode.BASIC)
        panel.reduce_options(common.ReduceDataOptions().values(True).calcs(["lastNotNull"]).limit(40))
        if decimals is not None:
            panel.decimals(decimals)
        if high is not None:
            panel.max(high)
        return panel

    def bars(
        self,
        title: Words,
        about: Words,
        sql: str,
        place: Place,
        *,
        unit: str = "short",
        decimals: int | None = None,
        stacked: bool = True,
    ) -> barchart.Panel:
        """Bars over a category: the first column names them, the others are their parts."""
        panel = self._dress(barchart.Panel(), title, about, place, ())
        panel.with_target(Sql(sql)).unit(unit).fill_opacity(80).show_value(cm.VisibilityMode.AUTO)
        panel.x_tick_label_rotation(0).x_tick_label_max_length(12)
        if decimals is not None:
            panel.decimals(decimals)
        panel.stacking(cm.StackingMode.NORMAL if stacked else cm.StackingMode.NONE)
        panel.legend(common.VizLegendOptions().show_legend(True).placement(cm.LegendPlacement.BOTTOM))
        return panel

    def shares(
        self, title: Words, about: Words, sql: str, shown: Shown, place: Place, *, unit: str = "short"
    ) -> piechart.Panel:
        """Parts of a whole: a text column names them."""
        panel = self._dress(piechart.Panel(), title, about, place, ())
        panel.with_target(Sql(sql)).unit(unit).pie_type(pm.PieChartType.DONUT)
        panel.reduce_options(common.ReduceDataOptions().values(True).calcs(["lastNotNull"]))
        panel.display_labels([pm.PieChartLabels.NAME, pm.PieChartLabels.VALUE])
        legend = piechart.PieChartLegendOptions().show_legend(True).display_mode(cm.LegendDisplayMode.LIST)
        panel.legend(legend.placement(cm.LegendPlacement.RIGHT).values([pm.PieChartLegendValues.VALUE]))
        for words, colour in shown.values():
            fixed = {"mode": "fixed", "fixedColor": colour}
            panel.override_by_name(self.say(words), [Property("color", fixed)])
        return panel

    def map(
        self,
        title: Words,
        about: Words,
        sql: str,
        place: Place,
        *,
        shown: Shown = ASSET_STATE,
        state: str = "state",
        size: int = 6,
        sources: Sequence[str] = (),
        columns: Sequence[Column] = (),
    ) -> geomap.Panel:
        """Places with longitude and latitude (WGS-84), coloured by a state. The map needs no internet."""
        panel = self._dress(geomap.Panel(), title, about, place, sources)
        style = coloured(state, size, GREY)
        layer = markers(self.say(title), "A", style, tooltip=True)
        base = common.MapLayerOptions().type("xyz").name(self.say(Words("底图", "Base"))).config({"url": NO_TILES})
        view = geomap.MapViewConfig().id("coords")
        # The SDK's types ask for whole numbers where Grafana takes degrees.
        view.lat(CENTRE[0]).lon(CENTRE[1]).zoom(zoom_of(place.height))  # type: ignore[arg-type]
        grounds = (
            ("B", Words("区界与街道", "District and streets"), self._ground.borders_sql(), dot(GREY, 1.2)),
            ("C", Words("湖泊", "Lakes"), self._ground.shores_sql(), dot(FEED["water"][1], 1)),
            ("D", Words("片区", "Zones"), self._ground.zones_sql(self.language), label("zone", GREY)),
        )
        panel.with_target(Sql(sql))
        for ref_id, _, query, _ in grounds:
            panel.with_target(Sql(query, ref_id=ref_id))
        below = [markers(self.say(words), ref_id, look, tooltip=False) for ref_id, words, _, look in grounds]
        panel.view(view).basemap(base).layers([*below[:2], layer, below[2]])
        panel.controls(geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(True).show_scale(True))
        panel.tooltip(geomap.TooltipOptions().mode(gm.TooltipMode.DETAILS))
        panel.override_by_name(state, [Property("mappings", mappings(shown, self.language))])
        for column in columns:
            panel.override_by_name(column.name, properties(column, self.language))
        return panel

    def _link(self, words: Words, url: str) -> dashboard.DashboardLink:
        return dashboard.DashboardLink(self.say(words)).url(url).target_blank(False)

    def choice(
        self,
        name: str,
        words: Words,
        sql: str,
        *,
        multi: bool = True,
        default: str | None = None,
        text: str | None = None,
        first: bool = False,
    ) -> dashboard.QueryVariable:
        """A variable whose values the database gives: columns `__text` and `__value`.

        Args:
            text: Of the default value.
            first: The first value there is is chosen.
        """
        variable = dashboard.QueryVariable(name).label(self.say(words)).query(sql).definition(sql)
        variable.datasource(DATASOURCE).refresh(dm.VariableRefresh.ON_TIME_RANGE_CHANGED).multi(multi)
        variable.allow_custom_value(False)
        if first:
            return variable.include_all(False)
        if default is not None:
            return variable.include_all(False).current(
                dm.VariableOption(True, default if text is None else text, default)
            )
        return variable.include_all(True).current(dm.VariableOption(True, [self.say(ALL)], ["$__all"]))

    def lane(self) -> dashboard.QueryVariable:
        """Life, or one exercise or replay."""
        live, drill, replay = (self.say(each) for each in (LIFE, DRILL, REPLAY))
        sql = (
            f"SELECT CASE WHEN lane = 'live' THEN '{live}' WHEN lane LIKE 'drill%' THEN '{drill} ' || substr(lane, 7)"
            f" WHEN lane LIKE 'replay%' THEN '{replay} ' || substr(lane, 8) ELSE lane END AS __text, lane AS __value"
            " FROM (SELECT 'live' AS lane UNION SELECT lane FROM v_devices) AS l ORDER BY lane <> 'live', 1"
        )
        return self.choice("lane", Words("数据来源", "Data"), sql, multi=False, default="live", text=live)

    def board(
        self,
        uid: str,
        title: Words,
        about: Words,
        *,
        variables: Sequence[Any] = (),
        since: str = "now-24h",
        refresh: str = "30s",
        feed: str | None = None,
    ) -> dashboard.Dashboard:
        """An empty board with the variables, links and alert marks that all have."""
        built = dashboard.Dashboard(self.say(title)).uid(self.uid(uid)).description(self.say(about)).editable()
        built.tags([TAG, self.language.value]).timezone(TIME_ZONE).time(since, "now").refresh(refresh).week_start(
            "monday"
        )
        built.tooltip(dm.DashboardCursorSync.CROSSHAIR)
        for variable in (self.lane(), *variables, self._one_map()):
            built.with_variable(variable)
        for name, words in MENU:
            if name != uid:
                built.link(self._way(name, words))
        built.annotation(self._alert_marks(feed))
        return built

    def _way(self, board: str, words: Words) -> dashboard.DashboardLink:
        """To another board; a link of its own each: the menu that Grafana makes from tags is not shown by 12.3."""
        way = dashboard.DashboardLink(self.say(words)).type(dm.DashboardLinkType.LINK)
        return way.url(f"/d/{self.uid(board)}?var-lane=${{lane}}").keep_time(True).include_vars(False)

    def _one_map(self) -> dashboard.ConstantVariable:
        words = Words("一张图的地址", "Address of the one map")
        return dashboard.ConstantVariable("one_map").label(self.say(words)).value(self._map_address)

    def _alert_marks(self, feed: str | None) -> dashboard.AnnotationQuery:
        only = "" if feed is None else f" AND feed = '{feed}'"
        sql = (
            f"SELECT started_at AS time, coalesce(ended_at, now()) AS timeend, {self.text} AS text,"
            " concat_ws(',', feed, rule, severity) AS tags"
            " FROM v_alerts WHERE $__timeFilter(started_at) AND lane = ${lane:sqlstring}"
            f" AND event <> 'retracted' AND severity IN ('I', 'II'){only} ORDER BY started_at DESC LIMIT 200"
        )
        marks = dashboard.AnnotationQuery().name(self.say(Words("红橙预警", "Red and orange alerts"))).enable(False)
        return marks.datasource(DATASOURCE).icon_color(RED).target(Sql(sql, ref_id="Anno"))

    def row(self, words: Words) -> dashboard.Row:
        """A heading between panels."""
        return dashboard.Row(self.say(words))

    def open_alerts(self, place: Place, feed: str | None = None, where: str = "") -> Table:
        """Alerts that are open, the worst first and the oldest first among equals: what, where, since when, what to do.

        Args:
            where: A further condition on `v_alert_places AS p`.
        """
        only = "" if feed is None else f" AND p.feed = '{feed}'"
        # Much has a Chinese name only; the alert's own words for its place say more than an id.
        named = f"CASE WHEN p.{self.asset_name} = p.asset THEN p.place ELSE p.{self.asset_name} END"
        sql = f"""
SELECT p.severity, p.feed, {named} AS place, {self.wrapped(f"coalesce(p.{self.matter}, p.{self.text})")} AS matter,
    {self.wrapped(f"p.{self.advice}")} AS advice, p.started_at,
    extract(epoch FROM now() - p.started_at) AS open_s, l.standing, p.{self.text} AS text, p.alert_id, p.asset,
    {self.page_of("p.feed")} AS page
FROM v_alert_places AS p
LEFT JOIN LATERAL (SELECT standing FROM v_alert_lives WHERE lane = p.lane AND alert_id = p.alert_id) AS l ON true
WHERE p.ended_at IS NULL AND p.event <> 'retracted' AND p.superseded_by IS NULL AND NOT p.suppressed
    AND p.lane = ${{lane:sqlstring}}{only}{where}
ORDER BY p.severity, p.started_at
LIMIT 200"""
        on_map = (Words("在一张图上查看", "Show on the one map"), "${one_map:raw}#alert=${__data.fields.alert_id}")
        columns = [
            Column("severity", Words("等级", "Severity"), shown=SEVERITY, width=95),
            Column("feed", Words("类别", "Feed"), hidden=True),
            Column("place", Words("地点", "Place"), width=180, links=(on_map, self.to_page()), wraps=True),
            Column("matter", Words("情况", "What is the matter"), wraps=True, more="text"),
            Column("advice", Words("如何处置", "What to do"), wraps=True, more="text"),
            Column("started_at", Words("始于", "Since"), unit=SHORT_MOMENT, width=100),
            Column("open_s", Words("已持续", "Open for"), unit="dthms", width=90),
            Column("standing", Words("处置", "Handling"), shown=STANDING, width=85),
            Column("text", Words("全文", "In full"), hidden=True),
            Column("alert_id", Words("编号", "Id"), hidden=True),
            Column("asset", Words("对象", "Asset"), hidden=True),
            Column("page", Words("对象页", "Page"), hidden=True),
        ]
        about = Words(
            "尚未结束的预警，最严重的在前，同级中最早的在前；已被抑制或合并的不显示。点击地点，在一张图或对象页查看；"
            "指向“情况”，显示全文、限值与依据。",
            "Alerts that have not ended, the worst first and the oldest first among equals; those suppressed or stood"
            " for by another are left out. The place leads to the one map and to the asset; point at what is the matter"
            " to see limit and source.",
        )
        return self.table(Words("未结束的预警", "Open alerts"), about, sql, columns, place)


def _number(value: str) -> str:
    """SQL that writes a number with thousands separators and no more than two decimals; null stays null."""
    return f"rtrim(to_char({value}, 'FM999,999,999,990.99'), '.')"
