-- A ticket as it arrived (without `ticket_id`), and those before it that are like it.
select * from like_arrivals(:tenant_id, :ticket_id, :window, :most, :least, :sources, false)
