"""Which probes there are, and their bytes in place."""


checkpoint list_probes:
    """Find the probes of all sessions. A file that cannot be read is a row that says so."""
    input:
        nwb_files,
        sessions=config["sessions"],
        script=script("list_probes"),
    output:
        probes="<results>/probes.tsv",
    log:
        "logs/list_probes.log",
    benchmark:
        "benchmarks/list_probes.tsv"
    localrule: True
    resources:
        mem_mb=lambda wildcards, attempt: 500 * attempt,
        runtime="30m",
    params:
        cache=config["cache"],
        library=library("list_probes"),
    shell:
        """
        python {input.script:q} {input.sessions:q} --cache {params.cache:q} \
            --probes {output.probes:q} >{log:q} 2>&1
        """


rule fetch_probe:
    """Find or make a probe's file, check it, and note where it is.

    The file itself is no output: Snakemake would delete it before it runs the rule.
    """
    input:
        nwb_of,
        # a newer program does not make worse a file that is there and whole: rerunning could mean
        # a download, so the script is ancient and its library not named
        script=ancient(script("fetch_probe")),
    output:
        source="<results>/{session}/probes/{probe}/source.json",
    log:
        "logs/fetch_probe/{session}/{probe}.log",
    benchmark:
        "benchmarks/fetch_probe/{session}/{probe}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        downloads=lambda wildcards: int(
            SESSIONS[wildcards.session][0].source == "allen"
        ),
    params:
        address=lambda wildcards: probe(wildcards).address,
        source=lambda wildcards: probe(wildcards).source,
    shell:
        """
        python {input.script:q} {params.address:q} --source {params.source} \
            --session {wildcards.session} --probe {wildcards.probe} \
            --checked {output.source:q} >{log:q} 2>&1
        """
