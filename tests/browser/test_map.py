"""The Map tab as a person uses it."""

from __future__ import annotations

from pathlib import Path

from tests import toys
from tests.browser.conftest import PATIENCE, assert_no_serious_findings, open_page, pixels, rest
from tests.explorer.tabs.map.test_map import write_map

TABS = ("latent", "map")
MAP = ".ge-point-map"
# Where a point of the figure is on the screen.
POINT = """([trace, i]) => {
  const g = document.querySelector('.ge-point-map .plot'), t = g._fullData[trace];
  const b = g.getBoundingClientRect(), { xaxis, yaxis } = g._fullLayout;
  return { x: b.left + xaxis._offset + xaxis.d2p(t.x[i]),
           y: b.top + yaxis._offset + yaxis.d2p(t.y[i]) }; }"""


def write_models(folder: Path) -> None:
    write_map(toys.write(folder, "toy-mapped"))
    toys.write(folder, "toy-bare", data="digits", image=(1, 8, 8))


def open_map(page, address, more="", drawn="toy-mapped umap-2"):
    page.set_default_timeout(PATIENCE)
    open_page(page, f"{address}/?tab=map{more}")
    page.wait_for_selector(f"{MAP}[data-drawn^='{drawn}'][data-thumbs]")


def go_to(page, trace, i):
    spot = page.evaluate(POINT, [trace, i])
    page.mouse.move(spot["x"] - 3, spot["y"] - 3)
    page.mouse.move(spot["x"], spot["y"])
    page.wait_for_selector(f"{MAP} .tip:not([hidden])")
    return spot


def test_hover_shows_a_picture_and_clicks_select_and_turn_one_into_the_other(page, address):
    open_map(page, address)
    go_to(page, 3, 2)
    shown = page.locator(f"{MAP} .tip")
    first = pixels(page, f"{MAP} .tip canvas")
    assert shown.inner_text().strip() == "3"
    page.mouse.down()
    page.mouse.up()
    page.wait_for_selector(".ge-map-card:not(.empty) .near button")
    assert page.locator(f"{MAP} .over circle.near").count() == 8
    assert page.locator(".ge-map-card .near button").count() == 8

    go_to(page, 8, 1)
    assert pixels(page, f"{MAP} .tip canvas") != first
    page.mouse.down()
    page.mouse.up()
    page.wait_for_selector(f"{MAP} .over polyline.way")
    page.wait_for_selector(".ge-map-aside .ge-frame-player .play:not([disabled])")
    page.wait_for_function("location.search.includes('map.points=')")
    now, before = page.evaluate("new URLSearchParams(location.search).get('map.points')").split(",")
    # Points of a class lie close: which one is nearest to the pointer is left open.
    assert int(before) % 10 == 3 and int(now) % 10 == 8


def test_a_link_brings_the_layout_and_the_points_back(page, address):
    open_map(page, address, "&map.method=pca&map.dimensions=2&map.points=20,7", "toy-mapped pca-2")
    page.wait_for_selector(f"{MAP} .over polyline.way")
    assert page.inner_text(".ge-map-card h2") == "0"
    assert page.is_checked("#map-method input[value=pca]")


def test_the_legend_hides_a_class(page, address):
    open_map(page, address)
    button = page.locator(f"{MAP} .legend button").nth(4)
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    gone = "document.querySelector('.ge-point-map .plot')._fullData[4].visible === false"
    page.wait_for_function(gone)


def test_codes_are_made_where_there_are_none(page, address):
    page.set_default_timeout(PATIENCE)
    open_page(page, f"{address}/?tab=map&model=toy-bare")
    page.get_by_role("button", name="Encode the test pictures").click()
    page.wait_for_selector(f"{MAP}[data-drawn^='toy-bare pca-2']")
    page.wait_for_function("document.querySelector('.ge-map-facts dd').textContent.endsWith('%')")


def test_the_points_are_there_before_plotly_is_and_where_plotly_draws_them(page, address):
    held = []
    page.route("**/PlotlyPlot*", lambda route: held.append(route))
    open_page(page, f"{address}/?tab=map")
    page.wait_for_selector(f"{MAP}[data-sketched^='toy-mapped']:not([data-drawn])")
    drawn = """() => {
      const c = document.querySelector('.ge-point-map .sketch'), ratio = devicePixelRatio;
      const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
      let box = [1e9, 1e9, 0, 0];
      for (let i = 3; i < data.length; i += 4) if (data[i] > 100) {
        const x = (i >> 2) % c.width / ratio, y = Math.floor((i >> 2) / c.width) / ratio;
        box = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)];
      }
      return box; }"""
    sketched = page.evaluate(drawn)
    for route in held:
        route.continue_()
    page.wait_for_selector(f"{MAP}[data-drawn]")
    assert not page.is_visible(f"{MAP} .sketch")
    plotted = page.evaluate("""() => {
      const { xaxis, yaxis } = document.querySelector('.ge-point-map .plot')._fullLayout;
      const all = axis => document.querySelector('.ge-point-map .plot')._fullData
        .flatMap(t => Array.from(t[axis._id], v => axis._offset + axis.d2p(v)));
      const [xs, ys] = [all(xaxis), all(yaxis)];
      return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]; }""")
    # The sketch's box has half a marker more on each side.
    margins = [p - s for p, s in zip(plotted, sketched, strict=True)]
    assert all(2 <= m <= 7 for m in margins[:2]) and all(-7 <= m <= -2 for m in margins[2:])


def test_a_projector_shows_the_film_and_the_figures_without_scrolling(page, address):
    page.set_viewport_size({"width": 1024, "height": 768})
    open_map(page, address, "&map.points=20,7")
    page.wait_for_selector(".ge-map-aside .ge-frame-player .play:not([disabled])")
    page.wait_for_selector(".ge-map-card:not(.empty) .near button")
    for selector in (".ge-map-aside .ge-frame-player", ".ge-map-facts dl", "#map-random"):
        box = page.locator(selector).last.bounding_box()
        assert box["y"] + box["height"] <= 768, selector


def test_axe_finds_nothing_serious(page, address):
    open_map(page, address, "&map.points=20,7")
    page.wait_for_selector(".ge-map-card:not(.empty) .near button")
    for note in page.locator("#map-codes .ge-note .label-wrap").all():
        note.click()
    rest(page)
    assert_no_serious_findings(page)
    page.evaluate("GE.toggleTheme()")
    assert_no_serious_findings(page)
