"""All probes of all sessions on one page."""


rule write_gallery:
    """A page and a table with all probes, and the run as JSON: versions, settings, sources."""
    input:
        # all else comes before these: naming each file would only lengthen the DAG
        of_probes("overview.png", "evoked.png", "verified.json", *SPECTRUM_PICTURES[:1]),
        of_sessions("overview.png", "evoked.png", "viewer.py"),
        of_sessions("intervals.csv", "behavior.zarr.zip"),
        VIEWS,
        INDEXED,
        probes="<results>/probes.tsv",
        script=script("write_gallery"),
    output:
        page=report(
            "<results>/index.html",
            caption="report/gallery.rst",
            category="Gallery",
            labels={"shows": "all probes"},
        ),
        run="<results>/run.json",
        checked="<results>/checked.tsv",
    log:
        "<logs>/write_gallery.log",
    benchmark:
        "<benchmarks>/write_gallery.tsv"
    localrule: True
    resources:
        mem_mb=1000,
    params:
        settings=lambda wildcards: settings(),
        library=library("write_gallery"),
        templates=templates(),
    shell:
        """
        python {input.script:q} {input.probes:q} --settings {params.settings:q} \
            --page {output.page:q} --run {output.run:q} --checked {output.checked:q} \
            >{log:q} 2>&1
        """
