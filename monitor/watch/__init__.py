"""The watch: releases are admitted, looked at, judged, and their verdicts recorded."""
