"""Which code belongs to the form of a feed."""

from zerometer.agent.factors.feed import Feed
from zerometer.core.site import FeedSettings


def open_feed(settings: FeedSettings) -> Feed:
    """Return the feed that *settings* describe, not yet started.

    ConfigError when something that it needs is not installed.
    """
    if settings.form == "csv":
        from zerometer.agent.factors.watched_csv import WatchedCsv

        return WatchedCsv(settings)
    if settings.form == "electricity-maps":
        from zerometer.agent.factors.electricity_maps import ElectricityMaps

        return ElectricityMaps(settings)
    if settings.form == "uk-carbon-intensity":
        from zerometer.agent.factors.uk_carbon_intensity import UkCarbonIntensity

        return UkCarbonIntensity(settings)
    from zerometer.agent.factors.mqtt import MqttFeed

    return MqttFeed(settings)
