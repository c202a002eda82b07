"""AWS Health's public events."""

import json

import pytest

from bot.domain import Condition, Impact, Stage
from bot.formats import FORMATS, aws, detection
from tests.formats.pages import NOON, PAGES, read, source


def first(name="open", **options):
    return read("aws", name, **options).incidents[0]


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le", "utf-8"])
def test_it_is_read_without_a_bom_as_well(encoding):
    raw = aws.to_utf8(PAGES["aws", "open"][0]).decode().encode(encoding)
    parsed = FORMATS["aws"].parse((raw,), source("aws"), NOON)
    assert parsed == read("aws", "open")
    assert detection.detect_formats(raw) == ("aws",)


def test_it_comes_in_utf_16_with_a_bom():
    assert PAGES["aws", "open"][0][:2] in (b"\xff\xfe", b"\xfe\xff")


def test_an_empty_list_is_all_clear():
    assert read("aws", "clear").incidents == ()


def test_other_regions_are_left_out_and_global_events_are_not():
    regions = [i.id.split(":")[3] for i in read("aws", "open").incidents]
    assert regions == ["us-east-1", "global"]


def test_the_region_stands_in_the_title():
    assert first().name == "Increased error rates (us-east-1)"


def test_a_component_is_a_service_without_its_region():
    assert [c.id for c in first().components] == ["ec2", "bedrock", "s3"]


def test_the_last_post_moves_each_service_to_where_it_is_now():
    moved = {m.component_id: m.new for m in first().updates[-1].transitions}
    assert moved == {"ec2": Condition.MAJOR_OUTAGE, "bedrock": Condition.DEGRADED, "s3": Condition.OPERATIONAL}


def test_a_peak_that_does_not_come_down_is_not_an_event_that_goes_on():
    assert (first("ended").impact, first("ended").stage) == (Impact.CRITICAL, Stage.RESOLVED)


def test_services_that_are_all_well_again_end_an_event_without_an_end():
    (event,) = json.loads(aws.to_utf8(PAGES["aws", "ended"][0]))
    del event["end_time"]
    body = json.dumps([event]).encode()
    assert aws.parse((body,), source("aws"), NOON).incidents[0].stage is Stage.RESOLVED


def test_a_service_that_is_impacted_is_degraded():
    (moved,) = read("aws", "open").incidents[1].updates[0].transitions
    assert moved.new is Condition.DEGRADED


def test_an_event_without_an_arn_is_in_the_region_of_its_service():
    assert [i.name for i in read("aws", "no-arn").incidents] == ["Lost packets (us-east-1)"]


def test_the_worst_that_a_service_came_to_is_the_impact():
    assert first("no-arn").impact is Impact.MAJOR


def test_an_event_is_in_the_region_of_its_arn():
    assert first().regions == ("us-east-1",)
