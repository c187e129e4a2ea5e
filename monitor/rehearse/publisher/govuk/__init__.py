"""GOV.UK as a rehearsal simulates it."""
