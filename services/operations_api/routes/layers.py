"""Layers of the map, ready to draw."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.operations_api.access import Reader
from services.operations_api.layer_features import LayerName
from services.operations_api.models.figures import Layer
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.routes.queries import Moment

router: Final = APIRouter(tags=["map"])


@router.get("/layers/{layer}", operation_id="getLayer", responses=documented(404), summary="One layer of the map")
async def layer(*, _: Reader, given: Given, layer: LayerName, as_of: Moment = None) -> Layer:
    """Give a layer's figures as GeoJSON, from the newest indicators, or those known at a moment.

    - `coverage`: cells that no available unit reaches in time, `kind: gap` with `population`; the move that would help
      most, a line of `kind: move` with `unit`, `to`, `people`,
      `share_after`. Summary: `share`, `target`,
      `units_available`, `uncovered_people`.
    - `parking`: lines from a full lot to one with room: `from`, `to`, `drivers`, `share`, `metres`, `free`.
    - `charging`: sites with `name_zh`, `name_en`, `load_kw`, `limit_kw`.
    - `lakes`: lakes with `class` (1 to 6), `status`, `name_zh`, `name_en`, `trophic_index`.
    """
    return await given.archive.layer(layer, as_of)
