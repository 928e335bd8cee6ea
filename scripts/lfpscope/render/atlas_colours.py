"""Colours of brain structures in the Allen Mouse Brain Atlas.

From the atlas's structure graph (id 1), https://api.brain-map.org/api/v2/structure_graph_download/1.json:
its acronyms by ``color_hex_triplet``, and the acronyms of its fibre tracts, grooves and ventricles.
Layers and strata are left out where they have the colour of their area: `atlas_colour` finds it.
"""

import re

_STRUCTURES = {
    "#B0F0FF": "CH",
    "#B0FFB8": "CTX",
    "#70FF70": "CTXpl",
    "#70FF71": "Isocortex",
    "#268F45": "FRP",
    "#1F9D5A": "MO MOp MOs",
    "#188064": "SS SSp SSp-n SSp-bfd VISrll SSp-ll SSp-m SSp-ul SSp-tr SSp-un SSs",
    "#009C75": "GU",
    "#11AD83": "VISC",
    "#019399": "AUD AUDd VISlla AUDp AUDv",
    "#08858C": "VIS VISal VISam VISl VISp VISpl VISpm VISli VISpor",
    "#40A666": "ACA ACAd ACAv",
    "#2FA850": "PL",
    "#59B363": "ILA",
    "#248A5E": "ORB ORBl ORBm ORBv ORBvl",
    "#219866": "AI AId AIp AIv",
    "#1AA698": "RSP RSPagl VISmma VISmmp VISm RSPd RSPv",
    "#009FAC": "PTLp VISa VISrl",
    "#15B0B3": "TEa",
    "#0E9684": "PERI",
    "#0D9F91": "ECT",
    "#9AD2BD": "OLF MOB MOBipl MOBopl",
    "#82C7AE": "MOBgl MOBgr MOBmi",
    "#9DF0D2": "AOB AOBgl AOBmi",
    "#95E4C8": "AOBgr NLOT",
    "#54BF94": "AON AONd AONe AONl AONm AONpv",
    "#62D09F": "TT TTd TTv",
    "#A4DAA4": "DP",
    "#6ACBBA": "PIR",
    "#61E7B7": "COA COAa COAp COApl COApm",
    "#59DAAB": "PAA",
    "#A8ECD3": "TR",
    "#7ED04B": "HPF HIP CA DG DG-sgz DGcr DGlb DGmb FC IG",
    "#66A83D": "CA1sp CA2sp CA3sp DG-sg",
    "#32B825": "RHP ENT ENTl ENTm ENTmv",
    "#72D569": "PAR",
    "#48C83C": "POST",
    "#59B947": "PRE",
    "#4FC244": "SUB SUBd SUBd-m SUBv SUBv-m",
    "#4BB547": "SUBd-sp SUBv-sp",
    "#58BA48": "ProS ProSd ProSd-m ProSv ProSv-m Prosv-sr",
    "#56B84B": "ProSd-sp ProSv-sp",
    "#33B932": "HATA APr",
    "#8ADA87": "CTXsp CLA",
    "#A0EE9D": "EP EPd EPv",
    "#90EB8D": "LA",
    "#9DE79C": "BLA BLAa BLAp BLAv",
    "#84EA81": "BMA BMAa BMAp",
    "#97EC93": "PA",
    "#98D6F9": "CNU STR STRd CP",
    "#80CDF8": "STRv ACB FS OT isl islm LSS",
    "#90CBED": "LSX LS LSc LSr LSv SF SH",
    "#80C0E2": (
        "sAMY AAA BA CEA CEAc CEAl CEAm IA MEA MEAad MEAav MEApd MEApd-a MEApd-b MEApd-c MEApv"
    ),
    "#8599CC": "PAL PALd GPe GPi",
    "#A2B1D8": "PALv SI MA",
    "#96A7D3": "PALm MSC MS NDB TRS",
    "#B3C0DF": (
        "PALc BST BSTa BSTal BSTam BSTdm BSTfu BSTju BSTmg BSTov BSTrh BSTv BSTp BSTd "
        "BSTpr BSTif BSTtr BSTse BAC"
    ),
    "#FF7080": "BS IB TH",
    "#FF8084": (
        "DORsm VENT VAL VM VP VPL VPLpc VPM VPMpc PoT SPF SPFm SPFp SPA PP GENd MG MGd "
        "MGv MGm LGd LGd-sh LGd-ip"
    ),
    "#FF909F": (
        "DORpm LAT LP PO POL SGN Eth REth ATN AV AM AMd AMv AD IAM IAD LD MED IMD MD MDc "
        "MDl MDm SMT PR MTN PVT PT RE Xi ILM RH CM PCN CL PF PIL RT GENv IGL IntG LGv "
        "LGvl LGvm SubG EPI MH LH PIN"
    ),
    "#E64438": "HY",
    "#FF5D50": (
        "PVZ SO ASO NC PVH PVHm PVHam PVHmm PVHpm PVHpml PVHpmm PVHp PVHap PVHmpd PVHpv PVa PVi ARH"
    ),
    "#FF5547": (
        "PVR ADP AHA AVP AVPV DMH DMHa DMHp DMHv MEPO MPO OV PD PS PSCH PVp PVpo SBPV SCH "
        "SFO VMPO VLPO"
    ),
    "#FF4C3E": (
        "MEZ AHN AHNa AHNc AHNd AHNp MBO LM MM Mmme Mml Mmm Mmp Mmd SUM SUMl SUMm TM TMd "
        "TMv MPN MPNc MPNl MPNm PMd PMv PVHd PVHdp PVHf PVHlp PVHmpv VMH VMHa VMHc VMHdm "
        "VMHvl PH"
    ),
    "#F2483B": "LZ LHA LPO PST PSTN PeF RCH STN TU ZI A13 FF ME",
    "#FF64FF": "MB",
    "#FF7AFF": "MBsen SCs SCop SCsg SCzo IC ICc ICd ICe NB SAG PBG MEV SCO",
    "#FF90FF": (
        "MBmot SNr VTA PN RR MRN MRNm MRNmg MRNp SCm SCdg SCdw SCiw SCig SCig-a SCig-b "
        "SCig-c PAG PRC INC ND Su3 PRT APN MPT NOT NPC OP PPT RPF InCo CUN RN III MA3 EW "
        "IV Pa4 VTN AT LT DT MT SNl MBsta"
    ),
    "#FFA6FF": "SNc PPN RAmb IF IPN IPR IPC IPA IPL IPI IPDM IPDL IPRL RL CLI DR",
    "#FF9B88": "HB P",
    "#FFAE6F": (
        "P-sen NLL NLLd NLLh NLLv PSV PB KF PBl PBlc PBld PBle PBls PBlv PBm PBme PBmm "
        "PBmv SOC POR SOCm SOCl"
    ),
    "#FFBA86": "P-mot B DTN LTN PDTg PCG PG PRNc PRNv SG SSN SUT TRN V P5 Acs5 PC5 I5",
    "#FFC395": "P-sat CS CSl CSm LC LDT NI PRNr RPO SLC SLD",
    "#FF9BCD": "MY",
    "#FFA5D2": (
        "MY-sen AP CN CNlam CNspg DCO VCO DCN CU GR ECU NTB NTS NTSce NTSge NTSl NTSm "
        "SPVC SPVI SPVO SPVOcdm SPVOmdmd SPVOmdmv SPVOrdm SPVOvl Pa5 z"
    ),
    "#FFB3D9": (
        "MY-mot VI ACVI VII ACVII EV AMB AMBd AMBv DMX ECO GRN ICB IO IRN ISN LIN LRN "
        "LRNm LRNp MARN MDRN MDRNd MDRNv PARN PAS PGRN PGRNd PGRNl PHY NIS NR PRP PMR PPY "
        "PPYd PPYs VNC LAV MV SPIV SUV x XII y INV"
    ),
    "#FFC6E2": "MY-sat RM RPA RO",
    "#F0F080": "CB CBX CBN",
    "#FFFC91": (
        "CBXmo CBXpu VERM LING CENT CUL DEC FOTU PYR UVU NOD HEM SIM AN ANcr1 ANcr2 PRM COPY PFL FL"
    ),
    "#ECE754": (
        "CBXgr LINGgr CENT2gr CENT3gr CUL4gr CUL5gr DECgr FOTUgr PYRgr UVUgr NODgr SIMgr "
        "ANcr1gr ANcr2gr PRMgr COPYgr PFLgr FLgr"
    ),
    "#FFFDBC": "FN IP DN VeCB",
}
_TRACTS = (
    "AQ IIIn IIn IPF IVF IVd IVn IXn In PIS RC SEZ V3 V4 V4r VIIIn VIIn VIn VL VS Vn XIIn "
    "XIn Xn ab aco act alv amc aolt aot apd apf ar arb bct bic bsc c cVIIIn cbc cbf cbp "
    "cbt cc ccb ccg ccr ccs cct cett chfl chpl cic cing cm cpd cpt crt csc cst cstc cstu "
    "ctb cte cuf cvb das db dc dcm df dhc dl dlf drt dscp dtd dtt ec ee eg em eps epsc fa "
    "fi fp fpr fr fx fxpo fxprg fxs gVIIn grf grv hbc hc hf hht iVIIn iaf ias icf icp im "
    "int ipf jrb lab lfbs lfbst ll lot lotd lotg mcp mct mfb mfbc mfbs mfbse mfbsm mfbsma "
    "mfbst mfsbshy ml mlf moV mp mtV mtc mtg mtt nf nst ntt och oct onl opt or pap pc pce "
    "pcf per pfs php phpd phpl phpm phpv plf pm pms pmx poc ppf pri psf ptf pvbh pvbt py "
    "pyd rct rf ri rrt rst rstl rstm rust sV scp scrt sct sctd sctv scwm sec shp sif sm "
    "smd snp sop sptV srp sst st stc step stf stp sttl sttv sup supa supd supv svp tb tct "
    "tn tp ts tsp tspc tspd ttp uf vVIIIn vc vhc vlt von vrt vsp vtd"
)

GREY = "#AAAAAA"  # of what is no grey matter: fibre tracts, ventricles, and outside the brain
COLOURS = {name: colour for colour, names in _STRUCTURES.items() for name in names.split()}
COLOURS |= dict.fromkeys([*_TRACTS.split(), "fiber tracts", "root"], GREY)
# of the isocortex, of the hippocampus and of the superior colliculus
_LAYER = re.compile(
    r"[ -]?([1-6][ab]?([/-][1-6][ab]?)?|mo|sg|po|so|sp|sr|slm|slu|zo|op|in|iw|co|gr|pu)$"
)


def atlas_colour(name: str) -> str | None:
    """Colour of a structure of the atlas by its acronym, of a layer that of its area.

    None for a name that is not in the atlas.
    """
    if name in COLOURS:
        return COLOURS[name]
    area = _LAYER.sub("", name)
    return atlas_colour(area) if area != name else None
