-- How many conversations a bot can speak in, and on which routes, without reading them.
CREATE INDEX recado_reference_audience ON recado_reference (bot, route, health)
    WHERE unheard = 0;
