"""Settings of the data models: organisations, locations, persons, content."""
from __future__ import annotations

from s3cfg.setting import setting
from s3cfg.texts import to_translate

__all__ = ("ModelSettings",)


class ModelSettings:
    get_org_branches = setting("org.branches", False, "Whether organisations have branches.")
    get_gis_countries = setting("gis.countries", [], "ISO codes of the countries this system works in; a single one is not named.")
    get_gis_hierarchy = setting(
        "gis.hierarchy",
        to_translate({"L0": "Country", "L1": "State / Province", "L2": "County / District", "L3": "City / Town / Village"}),
        "Levels of places, from the country down: {level: label}; labels are translated.")
    get_pr_name_format = setting(
        "pr.name_format", "%(first_name)s %(middle_name)s %(last_name)s", "How the name of a person is put together.")
    get_cms_richtext = setting("cms.richtext", False, "Whether posts hold HTML instead of plain text.")
    get_fin_currencies = setting(
        "fin.currencies", {"EUR": "Euro", "GBP": "Pound Sterling", "USD": "United States Dollar"},
        "Currencies that fields of money offer: {ISO code: name}.")
    get_fin_currency_default = setting("fin.currency_default", "USD", "Currency of new records.")
