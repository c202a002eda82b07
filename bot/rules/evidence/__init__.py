"""What probes, people and traffic say of a surface, and the incidents that only they show."""
