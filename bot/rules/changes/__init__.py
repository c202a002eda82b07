"""What changed between two polls of a page: changes, events of the timeline, and the incidents that are tracked."""
