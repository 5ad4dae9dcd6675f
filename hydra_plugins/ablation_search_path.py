"""Hydra search path `ablation`: the folders of the chosen recipe, and `conf/` of the folder that one works in."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class AblationSearchPath(SearchPathPlugin):
    """Adds the folders behind the program's own."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folders."""
        from runner.finding import conf_folders

        for folder in conf_folders():
            search_path.append(provider="ablation", path=f"file://{folder}")
